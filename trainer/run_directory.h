// A training run's folder: config.toml, checkpoint, log.jsonl, model.prior. One process at a time may hold it. Every
// file but the log is replaced durably; the log grows a line a report and is cut back to the checkpoint on resuming, so
// that it reads as if nothing had happened.
#pragma once

#include <string>

#include "formats/checkpoint.h"
#include "formats/prior.h"
#include "formats/status.h"
#include "trainer/fit_settings.h"

namespace altocast {

class RunDirectory {
 public:
  // Creates the folder if needed and locks it. Without `resume` the folder must not hold a checkpoint; with it, it must.
  static Result<RunDirectory> open(const std::string& path, bool resume);
  ~RunDirectory();
  RunDirectory(RunDirectory&& other) noexcept;
  RunDirectory& operator=(RunDirectory&&) = delete;

  const std::string& path() const { return path_; }
  std::string prior_path() const { return path_ + "/model.prior"; }
  std::string config_path() const { return path_ + "/config.toml"; }
  std::string log_path() const { return path_ + "/log.jsonl"; }

  Result<Checkpoint> read_checkpoint() const;
  Status write_checkpoint(const Checkpoint& checkpoint) const;
  Status write_prior(const Prior& prior) const;
  Status write_config(const FitSettings& settings) const;
  Result<FitSettings> read_config() const;

  // Removes the log's lines of steps after `step`, and a last line that a power cut left unfinished.
  Status cut_log(std::uint64_t step) const;

  // Appends one line of JSON that begins {"step":N, …
  Status append_log(const std::string& line) const;

 private:
  RunDirectory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_ = -1;
};

}  // namespace altocast
