#include "trainer/run_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "formats/durable_file.h"

namespace altocast {
namespace {

constexpr std::uint64_t kMaxConfigBytes = 1u << 20;
constexpr std::uint64_t kMaxLogBytes = std::uint64_t{1} << 31;

Status system_error(const std::string& what, int error_number) {
  return Status::error(what + ": " + std::strerror(error_number));
}

bool has_checkpoint(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path + "/checkpoint", error);
}

Status require_checkpoint(const std::string& path) {
  if (has_checkpoint(path)) return {};
  return Status::error(path + ": holds no checkpoint to resume from; leave --resume out to start a run");
}

std::span<const std::uint8_t> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

Result<RunDirectory> RunDirectory::open(const std::string& path, bool resume) {
  if (resume) ALTOCAST_RETURN_IF_ERROR(require_checkpoint(path));
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return Status::error(path + ": cannot be made a folder: " + error.message() + "; choose another --out");
  const int lock = ::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock < 0) return system_error(path + "/lock", errno);
  RunDirectory run(path, lock);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    return Status::error(path +
                         ": another altocast-train is writing to this folder; wait for it or choose another --out");
  }
  if (!resume && has_checkpoint(path)) {
    return Status::error(path + ": holds a run already; add --resume to go on with it, or choose another --out");
  }
  return run;
}

RunDirectory::RunDirectory(RunDirectory&& other) noexcept : path_(std::move(other.path_)), lock_(other.lock_) {
  other.lock_ = -1;
}

RunDirectory::~RunDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

Result<Checkpoint> RunDirectory::read_checkpoint() const { return load_checkpoint(path_ + "/checkpoint"); }

Status RunDirectory::write_checkpoint(const Checkpoint& checkpoint) const {
  return save_checkpoint(checkpoint, path_ + "/checkpoint");
}

Status RunDirectory::write_prior(const Prior& prior) const { return save_prior(prior, prior_path()); }

Status RunDirectory::write_config(const FitSettings& settings) const {
  return replace_file(config_path(), as_bytes(write_fit_settings(settings)));
}

Result<FitSettings> RunDirectory::read_config(const std::string& path) {
  ALTOCAST_RETURN_IF_ERROR(require_checkpoint(path));
  const std::string file = path + "/config.toml";
  const Result<std::vector<std::uint8_t>> text = read_file(file, kMaxConfigBytes);
  if (!text.ok()) return text.status();
  FitSettings settings;
  ALTOCAST_RETURN_IF_ERROR(
      read_fit_settings({reinterpret_cast<const char*>(text->data()), text->size()}, file, settings));
  return settings;
}

Status RunDirectory::cut_log(std::uint64_t step) const {
  std::error_code error;
  if (!std::filesystem::exists(log_path(), error)) return {};
  const Result<std::vector<std::uint8_t>> bytes = read_file(log_path(), kMaxLogBytes);
  if (!bytes.ok()) return bytes.status();
  const std::string text(bytes->begin(), bytes->end());
  std::string kept;
  for (std::size_t first = 0; first < text.size();) {
    const std::size_t end = text.find('\n', first);
    if (end == std::string::npos) break;
    const std::string line = text.substr(first, end - first + 1);
    const nlohmann::json parsed = nlohmann::json::parse(line, nullptr, false);
    if (parsed.is_object() && parsed.contains("step") && parsed["step"].is_number_unsigned() &&
        parsed["step"].get<std::uint64_t>() <= step) {
      kept += line;
    }
    first = end + 1;
  }
  return replace_file(log_path(), as_bytes(kept));
}

Status RunDirectory::append_log(const std::string& line) const {
  const int file = ::open(log_path().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) return system_error(log_path(), errno);
  const std::string text = line + "\n";
  int failure = 0;
  for (std::size_t done = 0; done < text.size() && failure == 0;) {
    const ssize_t written = ::write(file, text.data() + done, text.size() - done);
    if (written >= 0) {
      done += static_cast<std::size_t>(written);
    } else if (errno != EINTR) {
      failure = errno;
    }
  }
  ::close(file);
  return failure == 0 ? Status() : system_error(log_path(), failure);
}

}  // namespace altocast
