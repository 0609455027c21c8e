#include "runtime/watch/folder_watch.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <ctime>

#include "formats/file_system.h"

namespace altocast {
namespace {

constexpr int kDeepest = 8;                // folders below the one that is watched
constexpr int kMostWatches = 1024;         // a process may have 8192 on old systems
constexpr std::time_t kQuiet = 2 * 86400;  // seconds: receivers write into folders of today
constexpr std::uint32_t kChanges =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

}  // namespace

FolderWatch::FolderWatch(std::string folder) : folder_(std::move(folder)) { renew(); }

FolderWatch::~FolderWatch() { close(); }

void FolderWatch::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
  watches_ = 0;
}

void FolderWatch::renew() {
  close();
  descriptor_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor_ >= 0 && !add(folder_)) close();
  if (descriptor_ >= 0) add_below(folder_, 0);
}

bool FolderWatch::add(const std::string& folder) {
  if (watches_ >= kMostWatches || ::inotify_add_watch(descriptor_, folder.c_str(), kChanges) < 0) return false;
  ++watches_;
  return true;
}

// A folder's time of change is that of the last file made in it.
void FolderWatch::add_below(const std::string& folder, int depth) {
  if (depth >= kDeepest) return;
  const std::time_t now = std::time(nullptr);
  list_folder(folder, [&](const std::string& name, bool is_folder) {
    const std::string path = join_path(folder, name);
    struct stat about {};
    if (!is_folder || ::stat(path.c_str(), &about) != 0) return;
    if (now - about.st_mtim.tv_sec < kQuiet) add(path);
    add_below(path, depth + 1);
  });
}

void FolderWatch::take() {
  bool folders = false, gone = false;
  alignas(inotify_event) char buffer[8192];
  for (ssize_t got; (got = ::read(descriptor_, buffer, sizeof buffer)) > 0;) {
    for (ssize_t at = 0; at < got;) {
      inotify_event event;
      std::memcpy(&event, buffer + at, sizeof event);
      if (event.mask & IN_ISDIR) folders = true;
      if (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_Q_OVERFLOW | IN_IGNORED)) gone = true;
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
  }
  if (folders || gone) renew();
}

}  // namespace altocast
