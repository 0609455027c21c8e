#include "trainer/mpi_communicator.h"

#include <mpi.h>

#include <algorithm>
#include <exception>
#include <vector>

namespace altocast {
namespace {

// MPI's own errors end the job with its message (MPI_ERRORS_ARE_FATAL, the default).
class MpiCommunicator final : public Communicator {
 public:
  MpiCommunicator() {
    int provided = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    MPI_Comm machine;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &machine);
    MPI_Comm_size(machine, &ranks_here_);
    MPI_Comm_free(&machine);
    MPI_Type_contiguous(sizeof(Block), MPI_BYTE, &block_);
    MPI_Type_commit(&block_);
  }

  // MPI_Finalize waits for the others, who would wait in vain for a rank that leaves by an exception.
  ~MpiCommunicator() override {
    if (std::uncaught_exceptions() > 0) MPI_Abort(MPI_COMM_WORLD, 1);
    MPI_Type_free(&block_);
    MPI_Finalize();
  }

  MpiCommunicator(const MpiCommunicator&) = delete;
  MpiCommunicator& operator=(const MpiCommunicator&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int ranks_here() const override { return ranks_here_; }

  void broadcast(std::span<std::uint8_t> bytes) override {
    constexpr std::size_t kLargest = std::size_t{1} << 30;
    for (std::size_t done = 0; done < bytes.size(); done += kLargest) {
      const std::size_t count = std::min(kLargest, bytes.size() - done);
      MPI_Bcast(bytes.data() + done, static_cast<int>(count), MPI_BYTE, 0, MPI_COMM_WORLD);
    }
  }

  void all_gather(std::span<Block> blocks, std::span<const std::size_t> counts) override {
    const Parts parts(counts);
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, blocks.data(), parts.counts.data(), parts.offsets.data(), block_,
                   MPI_COMM_WORLD);
  }

  void exchange(std::span<const Block> send, std::span<const std::size_t> send_counts, std::span<Block> receive,
                std::span<const std::size_t> receive_counts) override {
    const Parts sent(send_counts), received(receive_counts);
    MPI_Alltoallv(send.data(), sent.counts.data(), sent.offsets.data(), block_, receive.data(), received.counts.data(),
                  received.offsets.data(), block_, MPI_COMM_WORLD);
  }

 private:
  // Parts one after the other, in MPI's integers.
  struct Parts {
    explicit Parts(std::span<const std::size_t> sizes) {
      int offset = 0;
      for (const std::size_t size : sizes) {
        counts.push_back(static_cast<int>(size));
        offsets.push_back(offset);
        offset += counts.back();
      }
    }
    std::vector<int> counts, offsets;
  };

  int rank_ = 0, size_ = 1, ranks_here_ = 1;
  MPI_Datatype block_ = MPI_DATATYPE_NULL;
};

}  // namespace

std::unique_ptr<Communicator> make_mpi_communicator() { return std::make_unique<MpiCommunicator>(); }

}  // namespace altocast
