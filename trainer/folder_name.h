#pragma once

#include <filesystem>
#include <string>
#include <system_error>

namespace altocast {

// A folder's own name, whether it is given with a slash at its end or without, or as ".".
inline std::string folder_name(const std::string& path) {
  std::error_code error;
  return (std::filesystem::absolute(path, error) / ".").lexically_normal().parent_path().filename().string();
}

}  // namespace altocast
