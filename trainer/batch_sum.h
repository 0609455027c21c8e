// The sum of a batch's results over tasks, threads and ranks, in the order of task_tree.h. Each rank sums its own
// subtrees and sends a part of those sums to every rank, which adds up its part of the row of blocks for all; then
// everybody gets all parts. A rank so sends and receives about twice a result, however many ranks there are.
#pragma once

#include <span>
#include <vector>

#include "runtime/thread_pool.h"
#include "trainer/batch_result.h"
#include "trainer/communicator.h"
#include "trainer/task_tree.h"

namespace altocast {

class BatchSum {
 public:
  // Results are of the sizes of `like`. The ranks and threads are borrowed.
  BatchSum(Communicator& ranks, ThreadPool& threads, const BatchResult& like);

  // Collective. slots[i] holds the result of this rank's task number i and is used up; every rank's `result`, of the
  // same sizes, becomes the sum over all `tasks`.
  void sum(int tasks, std::span<BatchResult> slots, BatchResult& result);

 private:
  template <class Body>
  void for_each_chunk(std::size_t blocks, const Body& body);
  void sum_own(const std::vector<TaskRange>& subtrees, TaskRange own, const std::vector<PlaneAddresses>& slots);
  void sum_across(int tasks, const std::vector<TaskRange>& own_subtrees, TaskRange own,
                  const std::vector<PlaneAddresses>& slots, BatchResult& result);

  Communicator& ranks_;
  ThreadPool& threads_;
  BlockRow row_;
  std::vector<std::size_t> parts_;  // blocks of each rank's part of the row
  std::vector<Block> sent_, received_, whole_;
};

}  // namespace altocast
