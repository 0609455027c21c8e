// The files below a folder, as deep as receivers nest them. The walk is bounded and cannot be led in circles: symbolic
// links to folders are not followed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "formats/status.h"

namespace altocast {

inline constexpr int kDeepestFolder = 8;                           // below the one that is listed
inline constexpr std::size_t kMostEntries = std::size_t{1} << 20;  // files and folders

struct UnlistedFolder {
  std::string path;
  std::string reason;
};

// Calls visit(path) for every file and folder below `folder`, in no order; `path` is relative to it, with / between
// folders. Names that begin with a dot are passed over, and folders deeper than kDeepestFolder. Returns the folders
// below that could not be listed. Fails if `folder` itself cannot be, or holds more than kMostEntries.
Result<std::vector<UnlistedFolder>> list_files(const std::string& folder,
                                               const std::function<void(const std::string&)>& visit);

}  // namespace altocast
