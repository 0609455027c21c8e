// Ranks that are threads of the test's own process: what MPI does among processes, where sanitizers can see it.
#pragma once

#include <algorithm>
#include <barrier>
#include <functional>
#include <thread>
#include <vector>

#include "trainer/communicator.h"

namespace altocast {

class ThreadRanks {
 public:
  explicit ThreadRanks(int size) : size_(size), barrier_(size), published_(static_cast<std::size_t>(size)) {}

  // Calls body(communicator) on every rank and returns when all are done.
  void run(const std::function<void(Communicator&)>& body) {
    std::vector<std::thread> threads;
    for (int rank = 0; rank < size_; ++rank) {
      threads.emplace_back([&, rank] {
        Rank communicator(*this, rank);
        body(communicator);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

 private:
  // What a rank shows the others during a call: its blocks, and where in them each rank's part begins.
  struct Published {
    const Block* blocks = nullptr;
    std::vector<std::size_t> offsets;
    std::uint8_t* bytes = nullptr;
  };

  class Rank final : public Communicator {
   public:
    Rank(ThreadRanks& all, int rank) : all_(all), rank_(rank) {}
    int rank() const override { return rank_; }
    int size() const override { return all_.size_; }
    int ranks_here() const override { return all_.size_; }

    void broadcast(std::span<std::uint8_t> bytes) override {
      mine().bytes = bytes.data();
      all_.barrier_.arrive_and_wait();
      if (rank_ > 0) std::copy_n(all_.published_[0].bytes, bytes.size(), bytes.data());
      all_.barrier_.arrive_and_wait();
    }
    void all_gather(std::span<Block> blocks, std::span<const std::size_t> counts) override {
      publish(blocks, counts);
      Block* dst = blocks.data();
      for (std::size_t r = 0; r < counts.size(); dst += counts[r++]) {
        const Published& theirs = all_.published_[r];
        if (static_cast<int>(r) != rank_) std::copy_n(theirs.blocks + theirs.offsets[r], counts[r], dst);
      }
      all_.barrier_.arrive_and_wait();
    }
    void exchange(std::span<const Block> send, std::span<const std::size_t> send_counts, std::span<Block> receive,
                  std::span<const std::size_t> receive_counts) override {
      publish(send, send_counts);
      Block* dst = receive.data();
      for (std::size_t r = 0; r < receive_counts.size(); dst += receive_counts[r++]) {
        const Published& theirs = all_.published_[r];
        std::copy_n(theirs.blocks + theirs.offsets[static_cast<std::size_t>(rank_)], receive_counts[r], dst);
      }
      all_.barrier_.arrive_and_wait();
    }

   private:
    Published& mine() { return all_.published_[static_cast<std::size_t>(rank_)]; }
    void publish(std::span<const Block> blocks, std::span<const std::size_t> counts) {
      mine().blocks = blocks.data();
      mine().offsets.clear();
      std::size_t offset = 0;
      for (const std::size_t count : counts) mine().offsets.push_back(std::exchange(offset, offset + count));
      all_.barrier_.arrive_and_wait();
    }

    ThreadRanks& all_;
    int rank_;
  };

  int size_;
  std::barrier<> barrier_;
  std::vector<Published> published_;
};

}  // namespace altocast
