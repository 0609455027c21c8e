// The fixed binary tree in which the results of a batch's tasks are summed, and which part of it is whose. At stride
// 1, 2, 4, … task i, a multiple of twice the stride, takes up task i + stride; a node with one child passes it on. So
// the order of every sum follows from the number of tasks alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace altocast {

struct TaskRange {
  int first = 0, end = 0;
  int size() const { return end - first; }
  bool operator==(const TaskRange&) const = default;
};

// The tasks of a rank: as many consecutive ones as each of the others, or one more.
inline TaskRange tasks_of_rank(int tasks, int ranks, int rank) {
  const auto begin = [&](int r) { return static_cast<int>(std::int64_t{tasks} * r / ranks); };
  return {begin(rank), begin(rank + 1)};
}

// The largest subtrees of the tree over `tasks` whose tasks all lie in the range, in order.
inline std::vector<TaskRange> whole_subtrees(int tasks, TaskRange range) {
  std::vector<TaskRange> subtrees;
  for (int first = range.first; first < range.end;) {
    const auto end_at = [&](int stride) { return std::min(first + stride, tasks); };
    int stride = 1;
    while (end_at(stride) < range.end && first % (2 * stride) == 0 && end_at(2 * stride) <= range.end) stride *= 2;
    subtrees.push_back({first, end_at(stride)});
    first = end_at(stride);
  }
  return subtrees;
}

// The tree's sums above its subtrees, which follow one another from the first task of a subtree on: calls
// add(into, from), both indices of `subtrees`, in the tree's order. The sum ends up in subtree 0.
template <class Add>
void sum_subtrees(const std::vector<TaskRange>& subtrees, const Add& add) {
  if (subtrees.empty()) return;
  const int first = subtrees.front().first, tasks = subtrees.back().end - first;
  std::vector<int> starting(static_cast<std::size_t>(tasks), -1);  // which subtree begins with a task
  for (std::size_t s = 0; s < subtrees.size(); ++s) {
    starting[static_cast<std::size_t>(subtrees[s].first - first)] = static_cast<int>(s);
  }
  for (int stride = 1; stride < tasks; stride *= 2) {
    for (int i = 0; i + stride < tasks; i += 2 * stride) {
      const int from = starting[static_cast<std::size_t>(i + stride)];
      if (from >= 0) add(starting[static_cast<std::size_t>(i)], from);
    }
  }
}

}  // namespace altocast
