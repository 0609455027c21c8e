#include "trainer/batch_sum.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace altocast {
namespace {

constexpr std::size_t kChunkBlocks = 256;  // 16 KiB of each summand: those of a chunk stay in cache

std::vector<TaskRange> single_tasks(TaskRange range) {
  std::vector<TaskRange> tasks;
  for (int i = range.first; i < range.end; ++i) tasks.push_back({i, i + 1});
  return tasks;
}

}  // namespace

BatchSum::BatchSum(Communicator& ranks, ThreadPool& threads, const BatchResult& like)
    : ranks_(ranks), threads_(threads), row_(like) {
  const auto size = static_cast<std::size_t>(ranks.size());
  for (std::size_t r = 0; r < size; ++r) parts_.push_back(row_.size() * (r + 1) / size - row_.size() * r / size);
}

template <class Body>
void BatchSum::for_each_chunk(std::size_t blocks, const Body& body) {
  threads_.parallel_for(static_cast<int>((blocks + kChunkBlocks - 1) / kChunkBlocks), [&](int chunk) {
    const std::size_t first = static_cast<std::size_t>(chunk) * kChunkBlocks;
    body(first, std::min(first + kChunkBlocks, blocks));
  });
}

void BatchSum::sum(int tasks, std::span<BatchResult> slots, BatchResult& result) {
  const TaskRange own = tasks_of_rank(tasks, ranks_.size(), ranks_.rank());
  const std::vector<TaskRange> subtrees = whole_subtrees(tasks, own);
  std::vector<PlaneAddresses> planes;
  for (int i = 0; i < own.size(); ++i) planes.push_back(addresses(slots[static_cast<std::size_t>(i)]));
  sum_own(subtrees, own, planes);
  if (ranks_.size() == 1) {
    std::swap(result, slots.front());
  } else {
    sum_across(tasks, subtrees, own, planes, result);
  }
}

// Leaves each subtree's sum in the slot of its first task.
void BatchSum::sum_own(const std::vector<TaskRange>& subtrees, TaskRange own,
                       const std::vector<PlaneAddresses>& slots) {
  for (const TaskRange& subtree : subtrees) {
    const std::vector<TaskRange> leaves = single_tasks(subtree);
    const PlaneAddresses* const base = slots.data() + (subtree.first - own.first);
    for_each_chunk(row_.size(), [&](std::size_t first, std::size_t end) {
      sum_subtrees(leaves, [&](int into, int from) { row_.add(base[into], base[from], first, end); });
    });
  }
}

void BatchSum::sum_across(int tasks, const std::vector<TaskRange>& own_subtrees, TaskRange own,
                          const std::vector<PlaneAddresses>& slots, BatchResult& result) {
  const auto size = static_cast<std::size_t>(ranks_.size());
  const auto self = static_cast<std::size_t>(ranks_.rank());
  std::vector<TaskRange> subtrees;  // of all ranks
  std::vector<std::size_t> send_counts, receive_counts;
  for (std::size_t r = 0; r < size; ++r) {
    const std::vector<TaskRange> theirs =
        whole_subtrees(tasks, tasks_of_rank(tasks, ranks_.size(), static_cast<int>(r)));
    subtrees.insert(subtrees.end(), theirs.begin(), theirs.end());
    send_counts.push_back(own_subtrees.size() * parts_[r]);
    receive_counts.push_back(theirs.size() * parts_[self]);
  }

  sent_.resize(own_subtrees.size() * row_.size());
  received_.resize(subtrees.size() * parts_[self]);
  Block* packed = sent_.data();
  std::size_t first = 0;
  for (std::size_t r = 0; r < size; first += parts_[r++]) {
    for (const TaskRange& subtree : own_subtrees) {
      row_.pack(slots[static_cast<std::size_t>(subtree.first - own.first)], first, first + parts_[r], packed);
      packed += parts_[r];
    }
  }
  ranks_.exchange(sent_, send_counts, received_, receive_counts);

  const auto own_first =
      static_cast<std::size_t>(std::accumulate(parts_.begin(), parts_.begin() + ranks_.rank(), std::size_t{0}));
  for_each_chunk(parts_[self], [&](std::size_t begin, std::size_t end) {
    sum_subtrees(subtrees, [&](int into, int from) {
      const auto at = [&](int s) { return received_.data() + static_cast<std::size_t>(s) * parts_[self] + begin; };
      row_.add(at(into), at(from), own_first + begin, own_first + end);
    });
  });

  whole_.resize(row_.size());
  std::copy_n(received_.begin(), parts_[self], whole_.begin() + static_cast<std::ptrdiff_t>(own_first));
  ranks_.all_gather(whole_, parts_);
  const PlaneAddresses planes = addresses(result);
  for_each_chunk(row_.size(),
                 [&](std::size_t begin, std::size_t end) { row_.unpack(whole_.data() + begin, begin, end, planes); });
}

}  // namespace altocast
