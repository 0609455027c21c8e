#include "runtime/watch/station_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "formats/durable_file.h"
#include "formats/file_system.h"
#include "runtime/time.h"
#include "runtime/toml_reader.h"

namespace altocast {
namespace {

constexpr const char* kRuns = "runs";
constexpr const char* kLatest = "latest";
constexpr const char* kState = "state.toml";
constexpr const char* kRemoved = ".removed";

Status failure(const std::string& path, const std::string& what) {
  return Status::error(path + ": " + what + ": " + std::generic_category().message(errno));
}

// Due-from time of a state.toml; none if it cannot be read.
std::optional<std::int64_t> read_state(const std::string& path) {
  const Result<std::vector<std::uint8_t>> bytes = read_file(path, 1 << 16);
  if (!bytes.ok()) return std::nullopt;
  const Result<toml::table> table = parse_toml({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, path);
  if (!table.ok()) return std::nullopt;
  const Result<std::int64_t> time = parse_time((*table)["due_from"].value_or(std::string_view()));
  return time.ok() ? std::optional(*time) : std::nullopt;
}

// As far as it can: what is not on the disk yet is so at the next chance.
void sync_folder(const std::string& path) {
  FileCalls& calls = system_file_calls();
  const int folder = calls.open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (folder < 0) return;
  calls.fsync(folder);
  calls.close(folder);
}

std::uint64_t mebibytes(std::uint64_t bytes) { return bytes >> 20; }

}  // namespace

StationFolder::StationFolder(StationFolder&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, -1)),
      runs_(std::move(other.runs_)),
      due_from_(other.due_from_) {}

StationFolder& StationFolder::operator=(StationFolder&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  std::swap(runs_, other.runs_);
  std::swap(due_from_, other.due_from_);
  return *this;
}

StationFolder::~StationFolder() {
  if (lock_ >= 0) ::close(lock_);
}

Result<StationFolder> StationFolder::open(const std::string& path) {
  FileCalls& calls = system_file_calls();
  for (const std::string& folder : {path, path + "/" + kRuns}) {
    if (calls.mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST) {
      if (const int number = errno; !is_folder(folder)) {
        errno = number;
        return failure(folder, "cannot be made");
      }
    }
  }
  const int lock = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0) return failure(path, "cannot be opened");
  StationFolder folder(path, lock);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return Status::error(path + ": another altocast watch works there; end it first, or choose another folder");
  }
  ALTOCAST_RETURN_IF_ERROR(folder.list());
  folder.due_from_ = read_state(folder.file(kState));
  if (!folder.due_from_ && !folder.runs_.empty()) folder.due_from_ = folder.runs_.front();
  return folder;
}

// The runs that stand. Beside them lie only parts of runs whose writing or removing was cut short.
Status StationFolder::list() {
  const std::string folder = file(kRuns);
  std::vector<std::string> parts;
  const std::error_code error = list_folder(folder, [&](const std::string& name, bool) {
    const Result<std::int64_t> time = parse_time(name);
    if (time.ok() && format_compact_time(*time) == name) {
      runs_.push_back(*time);
    } else if (parse_time(name.substr(0, name.find('.'))).ok()) {
      parts.push_back(name);
    }
  });
  if (error) return Status::error(folder + ": cannot be listed: " + error.message());
  std::sort(runs_.begin(), runs_.end());
  for (const std::string& name : parts) {
    // A run that was set aside to be replaced, and is not yet (runtime/products/output_folder.h).
    const std::string part = join_path(folder, name), run = part.substr(0, part.rfind('.'));
    if (part.ends_with(".previous") && !exists(run)) {
      if (std::rename(part.c_str(), run.c_str()) == 0) add_run(*parse_time(file_name(run)));
    } else {
      remove_tree(part);
    }
  }
  return {};
}

std::string StationFolder::run_path(std::int64_t slot) const { return file(kRuns) + "/" + format_compact_time(slot); }

bool StationFolder::has_run(std::int64_t slot, std::int64_t tolerance) const {
  const auto next = std::lower_bound(runs_.begin(), runs_.end(), slot - tolerance);
  return next != runs_.end() && *next <= slot + tolerance;
}

void StationFolder::add_run(std::int64_t slot) {
  const auto next = std::lower_bound(runs_.begin(), runs_.end(), slot);
  if (next == runs_.end() || *next != slot) runs_.insert(next, slot);
}

Status StationFolder::link_latest() {
  if (runs_.empty()) return {};
  FileCalls& calls = system_file_calls();
  const std::string link = file(kLatest), partial = link + ".partial";
  const std::string target = std::string(kRuns) + "/" + format_compact_time(runs_.back());
  if (link_target(link) == target) return {};
  calls.unlink(partial.c_str());
  if (calls.symlink(target.c_str(), partial.c_str()) != 0) {
    if (errno == EPERM || errno == EOPNOTSUPP)
      return Status::error(link +
                           ": this file system knows no links; use ext4, or read status.json for the newest run");
    return failure(link, "cannot be made");
  }
  if (calls.rename(partial.c_str(), link.c_str()) != 0) return failure(link, "cannot be replaced");
  if (calls.fsync(lock_) != 0 && errno != EINVAL) return failure(path_, "cannot be brought to the disk");
  return {};
}

Status StationFolder::set_due_from(std::int64_t slot) {
  due_from_ = slot;
  const std::string text =
      "# Forecasts are due from this frame on; altocast watch keeps it.\ndue_from = \"" + format_time(slot) + "\"\n";
  return replace_file(file(kState), {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

Status StationFolder::remove_oldest() {
  const std::string run = run_path(runs_.front());
  const std::string removed = run + kRemoved;
  if (system_file_calls().rename(run.c_str(), removed.c_str()) != 0 && errno != ENOENT)
    return failure(run, "cannot be taken away");
  sync_folder(file(kRuns));  // or a power cut could leave the run in its place, with some of its files gone
  remove_tree(removed);
  runs_.erase(runs_.begin());
  return {};
}

Status StationFolder::make_room(const RunLimits& limits) {
  // How many of the oldest are too many by number, age and bytes.
  std::size_t surplus = 0;
  const std::size_t removable = runs_.empty() ? 0 : runs_.size() - 1;
  if (limits.runs > 0 && runs_.size() > static_cast<std::size_t>(limits.runs))
    surplus = runs_.size() - static_cast<std::size_t>(limits.runs);
  while (limits.seconds > 0 && surplus < removable && runs_[surplus] < runs_.back() - limits.seconds) ++surplus;
  if (limits.bytes > 0) {
    std::uint64_t bytes = run_bytes();
    for (std::size_t i = 0; i < surplus; ++i) bytes -= bytes_of(runs_[i]);
    for (; surplus < removable && bytes > limits.bytes; ++surplus) bytes -= bytes_of(runs_[surplus]);
  }
  surplus = std::min(surplus, removable);
  const auto short_of_room = [&] { return limits.free_bytes > 0 && free_bytes() < limits.free_bytes; };
  if (surplus == 0 && short_of_room() && removable > 0) surplus = 1;

  while (surplus > 0) {
    // First the note that they are not due, then the removal; on a full disk the note only fits after it.
    const bool noted = set_due_from(runs_[surplus]).ok();
    for (; surplus > 0; --surplus) ALTOCAST_RETURN_IF_ERROR(remove_oldest());
    if (!noted) ALTOCAST_RETURN_IF_ERROR(set_due_from(runs_.front()));
    if (short_of_room() && runs_.size() > 1) surplus = 1;
  }
  if (!short_of_room()) return {};
  return Status::error(path_ + ": " + std::to_string(mebibytes(free_bytes())) +
                       " MiB are free, and free_mib = " + std::to_string(mebibytes(limits.free_bytes)) +
                       " must stay free; no forecasts are written until there is room: remove files from that file " +
                       "system, or lower free_mib");
}

std::uint64_t StationFolder::free_bytes() const {
  struct statvfs about {};
  if (::statvfs(path_.c_str(), &about) != 0) return 0;
  return std::uint64_t{about.f_bavail} * std::uint64_t{about.f_frsize};
}

std::uint64_t StationFolder::run_bytes() const {
  std::uint64_t bytes = 0;
  for (const std::int64_t slot : runs_) bytes += bytes_of(slot);
  return bytes;
}

std::uint64_t StationFolder::bytes_of(std::int64_t slot) const {
  std::uint64_t bytes = 0;
  const std::string run = run_path(slot);
  list_folder(run, [&](const std::string& name, bool) { bytes += file_size(join_path(run, name)).value_or(0); });
  return bytes;
}

}  // namespace altocast
