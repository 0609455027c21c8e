#include "trainer/communicator.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "trainer/mpi_communicator.h"

namespace altocast {
namespace {

class SerialCommunicator final : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  int ranks_here() const override { return 1; }
  void broadcast(std::span<std::uint8_t>) override {}
  void all_gather(std::span<Block>, std::span<const std::size_t>) override {}
  void exchange(std::span<const Block> send, std::span<const std::size_t>, std::span<Block> receive,
                std::span<const std::size_t>) override {
    std::copy(send.begin(), send.end(), receive.begin());
  }
};

// How many processes a launcher started this one among, by what it tells them; 0 without a launcher.
int launched_processes() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
    if (const char* size = std::getenv(name)) return std::max(1, std::atoi(size));
  }
  if (!std::getenv("PMIX_RANK")) return 0;  // as srun --mpi=pmix sets it
  const char* size = std::getenv("SLURM_NTASKS");
  return size ? std::max(1, std::atoi(size)) : 1;
}

}  // namespace

bool Communicator::any(bool mine) {
  std::vector<Block> flags(static_cast<std::size_t>(size()));
  flags[static_cast<std::size_t>(rank())].bytes[0] = mine;
  all_gather(flags, std::vector<std::size_t>(flags.size(), 1));
  return std::any_of(flags.begin(), flags.end(), [](const Block& flag) { return flag.bytes[0] != 0; });
}

Status Communicator::agree(const Status& mine) {
  if (!any(!mine.ok())) return {};
  const auto ranks = static_cast<std::size_t>(size());
  const auto self = static_cast<std::size_t>(rank());
  const std::string text =
      mine.ok() ? "" : (rank() > 0 ? "rank " + std::to_string(rank()) + ": " : "") + mine.message();

  std::vector<Block> heads(ranks);
  const std::uint64_t length = text.size();
  std::memcpy(heads[self].bytes.data(), &length, sizeof length);
  all_gather(heads, std::vector<std::size_t>(ranks, 1));

  std::vector<std::uint64_t> lengths(ranks);
  std::vector<std::size_t> counts(ranks);
  std::size_t before = 0, total = 0;
  for (std::size_t r = 0; r < ranks; ++r) {
    std::memcpy(&lengths[r], heads[r].bytes.data(), sizeof lengths[r]);
    counts[r] = static_cast<std::size_t>((lengths[r] + sizeof(Block) - 1) / sizeof(Block));
    if (r < self) before += counts[r];
    total += counts[r];
  }
  std::vector<Block> texts(total);
  if (!text.empty()) std::memcpy(texts.data() + before, text.data(), text.size());
  all_gather(texts, counts);
  const auto first = std::find_if(lengths.begin(), lengths.end(), [](std::uint64_t l) { return l > 0; });
  if (first == lengths.end()) return Status::error("failed without a message");
  return Status::error(std::string(reinterpret_cast<const char*>(texts.data()), static_cast<std::size_t>(*first)));
}

int Communicator::broadcast_number(int number) {
  broadcast({reinterpret_cast<std::uint8_t*>(&number), sizeof number});
  return number;
}

std::string Communicator::broadcast_text(std::string text) {
  text.resize(static_cast<std::size_t>(broadcast_number(static_cast<int>(text.size()))));
  broadcast({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return text;
}

std::unique_ptr<Communicator> make_serial_communicator() { return std::make_unique<SerialCommunicator>(); }

Result<std::unique_ptr<Communicator>> join_ranks() {
  const int processes = launched_processes();
  if (processes == 0) return make_serial_communicator();
#ifdef ALTOCAST_HAVE_MPI
  return make_mpi_communicator();
#else
  if (processes == 1) return make_serial_communicator();
  return Status::error("started as one of " + std::to_string(processes) +
                       " processes, but built without MPI, so that they would not know of each other; start it without "
                       "mpirun, or install MPI (Debian: libopenmpi-dev) and build with -DALTOCAST_MPI=ON");
#endif
}

}  // namespace altocast
