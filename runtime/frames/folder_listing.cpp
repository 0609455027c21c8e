#include "runtime/frames/folder_listing.h"

#include <filesystem>
#include <system_error>

namespace altocast {

Result<std::vector<UnlistedFolder>> list_files(const std::string& folder,
                                               const std::function<void(const std::string&)>& visit) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return Status::error(folder + (error || !fs::exists(folder, error) ? ": no such folder" : ": is no folder") +
                         "; give the folder that holds the frames");
  }
  struct Pending {
    std::string relative;  // with a / at its end; empty: `folder` itself
    int depth = 0;
  };
  std::vector<UnlistedFolder> unlisted;
  std::vector<Pending> pending{{}};
  std::size_t entries = 0;
  while (!pending.empty()) {
    const Pending here = std::move(pending.back());
    pending.pop_back();
    const fs::path path = fs::path(folder) / here.relative;
    fs::directory_iterator entry(path, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      if (name.starts_with('.')) continue;
      if (++entries > kMostEntries) {
        return Status::error(folder + ": holds more than " + std::to_string(kMostEntries) +
                             " files; give the folder of one satellite and channel, or remove old frames");
      }
      const std::string relative = here.relative + name;
      visit(relative);
      std::error_code unknown;
      const bool is_folder = fs::is_directory(entry->symlink_status(unknown));
      if (is_folder && here.depth < kDeepestFolder) pending.push_back({relative + "/", here.depth + 1});
    }
    if (!error) continue;
    if (here.relative.empty()) return Status::error(folder + ": cannot be listed: " + error.message());
    // What a receiver or a clean-up removed meanwhile is no news.
    if (error != std::errc::no_such_file_or_directory) unlisted.push_back({path.string(), error.message()});
    error.clear();
  }
  return unlisted;
}

}  // namespace altocast
