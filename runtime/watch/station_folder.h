// The folder that `altocast watch` writes, and everything it knows after a restart:
//
//   runs/20180606T0300Z/     the products of one forecast (runtime/products/), named by its newest frame's slot
//   latest                   a link to the newest of them
//   status.json              how the station is (station_status.h)
//   verification.csv         scores of the last day's forecasts (verification_history.h)
//   station.posterior        the newest adaptation
//   state.toml               from which slot on forecasts are due
//
// Each is replaced as a whole: a run by renaming its folder, the link by renaming another over it, files durably
// (formats/durable_file.h). A run that stands is whole; a slot from due_from() on that has none is still due. So
// nothing is lost or done twice, whenever the process ends. A run is taken away by renaming it first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/status.h"
#include "runtime/watch/station_settings.h"

namespace altocast {

// One process at a time holds the folder. Not for concurrent use.
class StationFolder {
 public:
  // Makes the folder if its parent exists, and clears away what a process that was killed was writing. Fails if it
  // cannot be made or listed, or if another process holds it. A file system that is read-only or full is no failure.
  static Result<StationFolder> open(const std::string& path);
  StationFolder(StationFolder&& other) noexcept;
  StationFolder& operator=(StationFolder&& other) noexcept;
  ~StationFolder();

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::string run_path(std::int64_t slot) const;  // of a run that stands or is to be written

  const std::vector<std::int64_t>& runs() const { return runs_; }  // slots, oldest first
  // A run within `tolerance` seconds of `slot`: where slots lie is worked out from the frames, and may shift a little.
  bool has_run(std::int64_t slot, std::int64_t tolerance) const;
  void add_run(std::int64_t slot);  // one that stands by now

  // Lets `latest` lead to the newest run.
  Status link_latest();

  std::optional<std::int64_t> due_from() const { return due_from_; }
  Status set_due_from(std::int64_t slot);

  // Takes the oldest runs away for as long as they exceed what `limits` allow; what is gone is never due again. Fails
  // if one cannot be taken away, or if the file system then still has less than limits.free_bytes to give.
  Status make_room(const RunLimits& limits);

  // What this process may still write to the file system, and what the runs take.
  std::uint64_t free_bytes() const;
  std::uint64_t run_bytes() const;

 private:
  StationFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  Status list();
  Status remove_oldest();
  std::uint64_t bytes_of(std::int64_t slot) const;

  std::string path_;
  int lock_ = -1;  // descriptor of the folder, which carries the lock
  std::vector<std::int64_t> runs_;
  std::optional<std::int64_t> due_from_;
};

}  // namespace altocast
