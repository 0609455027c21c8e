// The processes that train together, called ranks, and what they tell each other: one process alone, or those that
// mpirun started. Which rank does what is left to the callers. All of MPI's API is in mpi_communicator.cpp.
//
// Every call but rank(), size() and ranks_here() is collective: all ranks make the same calls in the same order with
// matching sizes, each from one thread. A rank that dies ends the others, by MPI's launcher.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "formats/status.h"

namespace altocast {

// What ranks exchange is counted in blocks: aligned for vectors, and few enough for MPI's 32-bit counts.
struct alignas(64) Block {
  std::array<std::uint8_t, 64> bytes;
};

class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual int ranks_here() const = 0;  // on this rank's machine, itself included

  // Everybody gets rank 0's bytes.
  virtual void broadcast(std::span<std::uint8_t> bytes) = 0;

  // `blocks` is the ranks' parts one after the other, counts[r] that of rank r: everybody gets all parts.
  virtual void all_gather(std::span<Block> blocks, std::span<const std::size_t> counts) = 0;

  // Rank r gets the r-th part of everybody's `send`; `receive` is what came from rank 0, 1, …, one after the other.
  virtual void exchange(std::span<const Block> send, std::span<const std::size_t> send_counts, std::span<Block> receive,
                        std::span<const std::size_t> receive_counts) = 0;

  // Whether it is true for any rank.
  bool any(bool mine);

  // The failure of the lowest rank that has one, the same on every rank; it names the rank if that is not 0.
  Status agree(const Status& mine);

  // Rank 0's on every rank.
  int broadcast_number(int number);
  std::string broadcast_text(std::string text);
};

// A rank alone.
std::unique_ptr<Communicator> make_serial_communicator();

// All processes of the job if a launcher (mpirun, mpiexec, srun) started this one, otherwise a rank alone. At most once
// a process; the object's end is the end of MPI. Fails if a launcher started several and altocast was built without
// MPI: they would not know of each other.
Result<std::unique_ptr<Communicator>> join_ranks();

}  // namespace altocast
