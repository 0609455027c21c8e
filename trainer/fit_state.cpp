#include "trainer/fit_state.h"

#include "formats/crc32c.h"

namespace altocast {

Checkpoint to_checkpoint(const FitSettings& settings, const std::string& kernels, FitState& state) {
  Checkpoint checkpoint;
  checkpoint.network = settings.network;
  checkpoint.step = static_cast<std::uint64_t>(state.step);
  checkpoint.config = write_fit_settings(settings);
  const auto add_plane = [&](const char* name, std::vector<float>& values) {
    checkpoint.planes.push_back({name, values});
  };
  const auto add_counter = [&](const char* name, std::uint64_t& value) {
    checkpoint.counters.emplace_back(name, value);
  };
  state.for_each_plane(add_plane);
  state.for_each_counter(add_counter);
  const bool between_lines = state.logged.mu != state.learned.theta.mu || state.logged.rho != state.learned.theta.rho;
  if (between_lines) state.for_each_log_plane(add_plane);
  state.for_each_log_counter(add_counter);
  add_counter("data", state.data);
  checkpoint.counters.emplace_back(std::string(kKernelsCounter) + kernels, 1);
  return checkpoint;
}

Status from_checkpoint(const Checkpoint& checkpoint, FitState& state) {
  Status status;
  state.for_each_plane([&](const char* name, std::vector<float>& values) {
    const std::vector<float>* plane = checkpoint.find_f32(name);
    if (!plane || plane->size() != values.size()) {
      status = Status::error(std::string("checkpoint: plane '") + name + "' is missing or of another size");
    } else {
      values = *plane;
    }
  });
  state.for_each_counter([&](const char* name, std::uint64_t& value) {
    if (const std::uint64_t* counter = checkpoint.find_counter(name)) {
      value = *counter;
    } else {
      status = Status::error(std::string("checkpoint: counter '") + name + "' is missing");
    }
  });
  state.step = static_cast<int>(checkpoint.step);
  if (const std::uint64_t* data = checkpoint.find_counter("data")) state.data = *data;
  state.begin_log_line();
  state.for_each_log_plane([&](const char* name, std::vector<float>& values) {
    const std::vector<float>* plane = checkpoint.find_f32(name);
    if (plane && plane->size() == values.size()) values = *plane;
  });
  state.for_each_log_counter([&](const char* name, std::uint64_t& value) {
    if (const std::uint64_t* counter = checkpoint.find_counter(name)) value = *counter;
  });
  return status;
}

void broadcast(Communicator& ranks, FitState& state) {
  const auto share = [&](auto* values, std::size_t count) {
    ranks.broadcast({reinterpret_cast<std::uint8_t*>(values), count * sizeof *values});
  };
  share(&state.step, 1);
  state.for_each_plane([&](const char*, std::vector<float>& values) { share(values.data(), values.size()); });
  state.for_each_counter([&](const char*, std::uint64_t& value) { share(&value, 1); });
}

Status check_copies(Communicator& ranks, FitState& state) {
  if (ranks.size() == 1) return {};
  std::uint32_t check = 0;
  state.for_each_plane([&](const char*, std::vector<float>& values) {
    check = crc32c({reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(float)}, check);
  });
  std::uint32_t rank_0 = check;
  ranks.broadcast({reinterpret_cast<std::uint8_t*>(&rank_0), sizeof rank_0});
  if (check == rank_0) return ranks.agree({});
  return ranks.agree(
      Status::error("its weights have come to differ from those of rank 0: its machine computes "
                    "otherwise (another C library?); start on machines that are alike with --resume"));
}

}  // namespace altocast
