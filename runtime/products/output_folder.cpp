#include "runtime/products/output_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "formats/file_system.h"

namespace altocast {
namespace {

Status system_error(const std::string& path, const std::string& what) {
  return Status::error(path + ": " + what + ": " + std::generic_category().message(errno));
}

// Fails if `folder` is no folder or holds what `owns` does not claim.
Status check_content(const std::string& folder, OutputFolder::Owns owns) {
  if (!is_folder(folder)) return Status::error(folder + ": exists and is no folder; choose another name");
  Status status;
  const std::error_code error = list_folder(folder, [&](const std::string& name, bool is_folder) {
    if (!status.ok() || (owns(name) && !is_folder)) return;
    status = Status::error(folder + ": holds " + name + ", which was not written here; choose an empty folder");
  });
  if (error) return Status::error(folder + ": cannot be listed: " + error.message());
  return status;
}

Status sync_folder(const std::string& folder, FileCalls& calls) {
  const int descriptor = calls.open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (descriptor < 0) return system_error(folder, "cannot be opened");
  const bool good = calls.fsync(descriptor) == 0;
  Status status = good ? Status() : system_error(folder, "cannot be brought to the disk");
  calls.close(descriptor);
  return status;
}

std::string parent_of(const std::string& path) {
  const std::string parent = parent_path(path);
  return parent.empty() ? "." : parent;
}

}  // namespace

OutputFolder::OutputFolder(std::string folder, std::string partial, Owns owns, int lock, FileCalls& calls)
    : folder_(std::move(folder)), partial_(std::move(partial)), owns_(owns), lock_(lock), calls_(&calls) {}

OutputFolder::OutputFolder(OutputFolder&& other) noexcept
    : folder_(std::move(other.folder_)),
      partial_(std::move(other.partial_)),
      owns_(other.owns_),
      lock_(std::exchange(other.lock_, -1)),
      calls_(other.calls_) {}

OutputFolder::~OutputFolder() {
  if (lock_ < 0) return;
  remove_tree(partial_);
  calls_->close(lock_);
}

Result<OutputFolder> OutputFolder::create(const std::string& folder, Owns owns, FileCalls& calls) {
  if (folder.empty()) return Status::error("the output folder's name is empty");
  // The folder itself is replaced, not a link that leads to it; "out/" and "." become names that can be
  // renamed.
  std::error_code error;
  std::string path = without_end_slash(normal_path(absolute_path(folder, error)));
  if (is_link(path)) path = real_path(path, error);
  if (error) return Status::error(folder + ": cannot be resolved: " + error.message());
  if (path == "/") return Status::error(folder + ": cannot be replaced; choose a folder below it");

  const std::string partial = path + ".partial";
  const std::string previous = path + ".previous";
  if (!is_named(path) && is_named(previous) && check_content(previous, owns).ok()) {
    if (calls.rename(previous.c_str(), path.c_str()) != 0) return system_error(previous, "cannot be put back");
  }
  if (is_named(path)) ALTOCAST_RETURN_IF_ERROR(check_content(path, owns));

  if (calls.mkdir(partial.c_str(), 0777) != 0 && errno != EEXIST) return system_error(partial, "cannot be made");
  const int lock = calls.open(partial.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (lock < 0) return system_error(partial, "cannot be opened");
  Status status;
  if (calls.lock(lock) != 0) {
    status = Status::error(folder + ": another program is writing there");
  } else {
    status = check_content(partial, owns);  // left by a power cut
  }
  if (!status.ok()) {
    calls.close(lock);
    return status;
  }
  OutputFolder output(path, partial, owns, lock, calls);
  std::vector<std::string> left;
  error = list_folder(partial, [&](const std::string& name, bool) { left.push_back(join_path(partial, name)); });
  if (error) return Status::error(partial + ": cannot be listed: " + error.message());
  for (const std::string& file : left) {
    if (::unlink(file.c_str()) != 0) return system_error(file, "cannot be removed");
  }
  return output;
}

Status OutputFolder::add(const std::string& name, std::span<const std::uint8_t> bytes) {
  const std::string path = partial_ + "/" + name;
  const int file = calls_->open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0) return system_error(path, "cannot be made");
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = calls_->write(file, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      Status status = system_error(path, "cannot be written");
      calls_->close(file);
      return status;
    }
    done += static_cast<std::size_t>(count);
  }
  if (calls_->close(file) != 0) return system_error(path, "cannot be written");
  return {};
}

Status OutputFolder::add(const std::string& name, std::string_view text) {
  return add(name, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

Status OutputFolder::commit() {
  // One flush of the file system instead of one a file: there may be hundreds, and an SD card takes a while
  // for each.
  if (calls_->syncfs(lock_) != 0) return system_error(partial_, "cannot be brought to the disk");
  std::string old;  // where the old products are by now
  if (!is_named(folder_)) {
    if (calls_->rename(partial_.c_str(), folder_.c_str()) != 0) return system_error(folder_, "cannot be put in place");
  } else if (calls_->exchange(partial_.c_str(), folder_.c_str()) == 0) {
    old = partial_;
  } else {  // a file system that cannot exchange two names
    old = folder_ + ".previous";
    if (is_named(old)) ALTOCAST_RETURN_IF_ERROR(check_content(old, owns_));
    remove_tree(old);
    if (calls_->rename(folder_.c_str(), old.c_str()) != 0) return system_error(folder_, "cannot be replaced");
    if (calls_->rename(partial_.c_str(), folder_.c_str()) != 0) {
      Status status = system_error(folder_, "cannot be put in place");
      if (calls_->rename(old.c_str(), folder_.c_str()) != 0)
        status = system_error(old, "holds the old products; renaming it back failed");
      return status;
    }
  }
  // The old ones go only when no power cut can bring them back.
  const Status synced = sync_folder(parent_of(folder_), *calls_);
  if (synced.ok() && !old.empty()) remove_tree(old);
  calls_->close(std::exchange(lock_, -1));
  return synced;
}

}  // namespace altocast
