#include "runtime/frames/folder_listing.h"

#include <system_error>

#include "formats/file_system.h"

namespace altocast {

Result<std::vector<UnlistedFolder>> list_files(const std::string& folder,
                                               const std::function<void(const std::string&)>& visit) {
  if (!is_folder(folder)) {
    return Status::error(folder + (!exists(folder) ? ": no such folder" : ": is no folder") +
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
    const std::string path = join_path(folder, here.relative);
    const std::error_code error = list_folder(path, [&](const std::string& name, bool is_folder) {
      if (name.starts_with('.') || ++entries > kMostEntries) return;
      const std::string relative = here.relative + name;
      visit(relative);
      if (is_folder && here.depth < kDeepestFolder) pending.push_back({relative + "/", here.depth + 1});
    });
    if (entries > kMostEntries) {
      return Status::error(folder + ": holds more than " + std::to_string(kMostEntries) +
                           " files; give the folder of one satellite and channel, or remove old frames");
    }
    if (!error) continue;
    if (here.relative.empty()) return Status::error(folder + ": cannot be listed: " + error.message());
    // What a receiver or a clean-up removed meanwhile is no news.
    if (error != std::errc::no_such_file_or_directory) unlisted.push_back({path, error.message()});
  }
  return unlisted;
}

}  // namespace altocast
