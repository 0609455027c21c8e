// The sum of a batch's results: the fixed tree, its division among ranks, and what ranks agree on.
#include "trainer/batch_sum.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "runtime/random.h"
#include "tests/trainer/thread_ranks.h"

namespace altocast {
namespace {

// The tree's definition, in words: "((0+1)+2)".
std::string plain_tree(int tasks) {
  std::vector<std::string> sums;
  for (int i = 0; i < tasks; ++i) sums.push_back(std::to_string(i));
  const auto at = [&](int i) -> std::string& { return sums[static_cast<std::size_t>(i)]; };
  for (int stride = 1; stride < tasks; stride *= 2) {
    for (int i = 0; i + stride < tasks; i += 2 * stride) at(i) = "(" + at(i) + "+" + at(i + stride) + ")";
  }
  return sums.front();
}

std::string summed(const std::vector<TaskRange>& subtrees, std::vector<std::string> sums) {
  sum_subtrees(subtrees, [&](int into, int from) {
    std::string& sum = sums[static_cast<std::size_t>(into)];
    sum = "(" + sum + "+" + sums[static_cast<std::size_t>(from)] + ")";
  });
  return sums.front();
}

TEST(TaskTree, RanksSumInTheOrderOfOne) {
  for (int tasks = 1; tasks <= 33; ++tasks) {
    for (int ranks = 1; ranks <= 35; ++ranks) {
      std::vector<TaskRange> all;
      std::vector<std::string> sums;
      int next = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const TaskRange own = tasks_of_rank(tasks, ranks, rank);
        EXPECT_EQ(own.first, next);
        next = own.end;
        EXPECT_LE(std::abs(own.size() - tasks / ranks), 1);
        for (const TaskRange& subtree : whole_subtrees(tasks, own)) {
          std::vector<TaskRange> leaves;
          std::vector<std::string> names;
          for (int i = subtree.first; i < subtree.end; ++i) {
            leaves.push_back({i, i + 1});
            names.push_back(std::to_string(i));
          }
          all.push_back(subtree);
          sums.push_back(summed(leaves, names));
        }
      }
      EXPECT_EQ(next, tasks);
      EXPECT_EQ(summed(all, sums), plain_tree(tasks)) << tasks << " tasks, " << ranks << " ranks";
    }
  }
}

TEST(TaskTree, SubtreesAreTheLargestThatFit) {
  using Ranges = std::vector<TaskRange>;
  EXPECT_EQ(whole_subtrees(8, {0, 8}), (Ranges{{0, 8}}));
  EXPECT_EQ(whole_subtrees(8, {0, 4}), (Ranges{{0, 4}}));
  EXPECT_EQ(whole_subtrees(8, {1, 7}), (Ranges{{1, 2}, {2, 4}, {4, 6}, {6, 7}}));
  EXPECT_EQ(whole_subtrees(6, {2, 6}), (Ranges{{2, 4}, {4, 6}}));
  EXPECT_EQ(whole_subtrees(7, {4, 7}), (Ranges{{4, 7}}));
  EXPECT_EQ(whole_subtrees(3, {1, 1}), Ranges{});
}

FitSettings small_settings() {
  FitSettings settings;
  settings.network.input_frames = 2;
  settings.network.leads = 3;
  settings.network.base_channels = 4;
  settings.network.depth = 1;
  return settings;
}

BatchResult random_result(int task) {
  BatchResult result(small_settings());
  std::uint64_t plane = 0;
  BatchResult::for_each_plane(result, [&](auto values) {
    std::vector<float> normal(values.size());
    fill_normal(7, static_cast<std::uint64_t>(task), plane++, std::span<float>(normal));
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<typename decltype(values)::value_type>(100.0f * normal[i]);
    }
  });
  return result;
}

void expect_same_bits(BatchResult& a, BatchResult& b) {
  const PlaneAddresses planes = addresses(b);
  std::size_t plane = 0;
  BatchResult::for_each_plane(a, [&](auto values) {
    EXPECT_EQ(std::memcmp(values.data(), planes[plane], values.size_bytes()), 0) << "plane " << plane;
    ++plane;
  });
}

BatchResult sum_plainly(int tasks) {
  std::vector<BatchResult> slots;
  for (int i = 0; i < tasks; ++i) slots.push_back(random_result(i));
  for (std::size_t stride = 1; stride < slots.size(); stride *= 2) {
    for (std::size_t i = 0; i + stride < slots.size(); i += 2 * stride) {
      const PlaneAddresses from = addresses(slots[i + stride]);
      std::size_t plane = 0;
      BatchResult::for_each_plane(slots[i], [&](auto values) {
        using T = typename decltype(values)::value_type;
        const auto* more = reinterpret_cast<const T*>(from[plane++]);
        for (std::size_t v = 0; v < values.size(); ++v) values[v] += more[v];
      });
    }
  }
  return slots.front();
}

TEST(BatchSum, HasTheBitsOfThePlainTreeOnEveryRank) {
  for (const int tasks : {1, 3, 4, 7}) {
    BatchResult expected = sum_plainly(tasks);
    for (const int size : {1, 2, 3, 4, 9}) {
      ThreadRanks(size).run([&](Communicator& ranks) {
        ThreadPool threads(2);
        BatchSum batch_sum(ranks, threads, BatchResult(small_settings()));
        const TaskRange own = tasks_of_rank(tasks, size, ranks.rank());
        std::vector<BatchResult> slots;
        for (int i = own.first; i < own.end; ++i) slots.push_back(random_result(i));
        BatchResult sum(small_settings());
        batch_sum.sum(tasks, slots, sum);
        SCOPED_TRACE(std::to_string(tasks) + " tasks, rank " + std::to_string(ranks.rank()) + " of " +
                     std::to_string(size));
        expect_same_bits(sum, expected);
      });
    }
  }
}

TEST(BatchResult, OneListServesClearingAveragingAndTheFiniteTest) {
  BatchResult result = random_result(0);
  const BatchResult before = result;
  result.divide(4);
  EXPECT_EQ(result.grad_theta.rho.back(), before.grad_theta.rho.back() * 0.25f);
  EXPECT_EQ(result.grad_log_rates.rho.back(), before.grad_log_rates.rho.back() / 4);
  EXPECT_EQ(result.kl, before.kl / 4);
  EXPECT_EQ(result.clipped_steps, before.clipped_steps);  // a count, not a mean
  EXPECT_TRUE(result.is_finite());
  result.grad_log_noise.back() = std::nan("");
  EXPECT_FALSE(result.is_finite());
  result.clear();
  EXPECT_TRUE(result.is_finite());
  BatchResult zero(small_settings());
  expect_same_bits(result, zero);
}

TEST(Ranks, AgreeOnTheFailureOfTheLowestThatHasOne) {
  ThreadRanks(4).run([](Communicator& ranks) {
    EXPECT_TRUE(ranks.agree({}).ok());
    const std::string text(200, static_cast<char>('0' + ranks.rank()));
    EXPECT_EQ(ranks.agree(ranks.rank() >= 2 ? Status::error(text) : Status()).message(),
              "rank 2: " + std::string(200, '2'));
    EXPECT_EQ(ranks.agree(Status::error(text)).message(), std::string(200, '0'));
    EXPECT_TRUE(ranks.any(ranks.rank() == 3));
    EXPECT_FALSE(ranks.any(false));
    EXPECT_EQ(ranks.broadcast_text(text), std::string(200, '0'));
    EXPECT_EQ(ranks.broadcast_number(ranks.rank() + 5), 5);
  });
}

}  // namespace
}  // namespace altocast
