#include "formats/file_system.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <vector>

namespace altocast {
namespace {

std::error_code last_error() { return {errno, std::generic_category()}; }

// The names of a path, without empty ones and ".".
std::vector<std::string_view> names_of(std::string_view path) {
  std::vector<std::string_view> names;
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    if (!name.empty() && name != ".") names.push_back(name);
    path.remove_prefix(std::min(name.size() + 1, path.size()));
  }
  return names;
}

bool look_at(const std::string& path, struct stat& facts) { return ::stat(path.c_str(), &facts) == 0; }

}  // namespace

std::string join_path(std::string_view folder, std::string_view name) {
  if (folder.empty() || name.starts_with('/')) return std::string(name);
  std::string path(folder);
  if (!path.ends_with('/')) path += '/';
  return path.append(name);
}

std::string parent_path(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return "";
  return slash == 0 ? "/" : without_end_slash(path.substr(0, slash));
}

std::string file_name(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

std::string normal_path(std::string_view path) {
  const bool absolute = path.starts_with('/');
  std::vector<std::string_view> kept;
  for (const std::string_view name : names_of(path)) {
    if (name == ".." && !kept.empty() && kept.back() != "..") {
      kept.pop_back();
    } else if (name != ".." || !absolute) {
      kept.push_back(name);
    }
  }
  std::string normal = absolute ? "/" : "";
  for (const std::string_view name : kept) normal = join_path(normal, name);
  if (normal.empty()) return ".";
  const std::string end = file_name(path);
  const bool folder = end.empty() || end == "." || end == "..";
  return folder && !kept.empty() && kept.back() != ".." ? normal + "/" : normal;
}

std::string without_end_slash(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return std::string(path);
}

bool exists(const std::string& path) {
  struct stat facts;
  return look_at(path, facts);
}

bool is_folder(const std::string& path) {
  struct stat facts;
  return look_at(path, facts) && S_ISDIR(facts.st_mode);
}

bool is_named(const std::string& path) {
  struct stat facts;
  return ::lstat(path.c_str(), &facts) == 0;
}

bool is_link(const std::string& path) {
  struct stat facts;
  return ::lstat(path.c_str(), &facts) == 0 && S_ISLNK(facts.st_mode);
}

std::string link_target(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t length = ::readlink(path.c_str(), target, sizeof target);
  return length < 0 ? "" : std::string(target, static_cast<std::size_t>(length));
}

std::optional<std::uint64_t> file_size(const std::string& path) {
  struct stat facts;
  if (!look_at(path, facts) || !S_ISREG(facts.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(facts.st_size);
}

std::string real_path(const std::string& path, std::error_code& error) {
  std::string known = path, rest;  // the part that exists, and what follows it
  char real[PATH_MAX];
  while (::realpath(known.empty() ? "." : known.c_str(), real) == nullptr) {
    error = last_error();
    const bool missing = error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
    if (!missing || known.empty()) return "";
    const std::string shorter = without_end_slash(known);
    rest = rest.empty() ? file_name(shorter) : join_path(file_name(shorter), rest);
    known = parent_path(shorter);
  }
  error.clear();
  return without_end_slash(normal_path(join_path(real, rest)));
}

std::string absolute_path(const std::string& path, std::error_code& error) {
  error.clear();
  if (path.starts_with('/')) return path;
  char here[PATH_MAX];
  if (::getcwd(here, sizeof here) != nullptr) return join_path(here, path);
  error = last_error();
  return "";
}

std::error_code list_folder(const std::string& folder, const std::function<void(const std::string&, bool)>& visit) {
  DIR* const open = ::opendir(folder.c_str());
  if (open == nullptr) return last_error();
  std::error_code error;
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(open);
    if (entry == nullptr) {
      if (errno != 0) error = last_error();
      break;
    }
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat facts;
    const bool is_folder =
        entry->d_type == DT_DIR || (entry->d_type == DT_UNKNOWN &&
                                    ::lstat(join_path(folder, name).c_str(), &facts) == 0 && S_ISDIR(facts.st_mode));
    visit(name, is_folder);
  }
  ::closedir(open);
  return error;
}

std::error_code make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0777) == 0) return {};
  const std::error_code error = last_error();
  if (error != std::errc::file_exists) return error;
  return is_folder(path) ? std::error_code() : std::error_code(ENOTDIR, std::generic_category());
}

std::error_code make_folders(const std::string& path) {
  if (path.empty() || is_folder(path)) return {};
  const std::error_code error = make_folders(parent_path(without_end_slash(path)));
  return error ? error : make_folder(path);
}

void remove_tree(const std::string& path) {
  if (::unlink(path.c_str()) == 0 || is_link(path)) return;
  std::vector<std::string> names;  // all of them first: a listing need not bear removals
  list_folder(path, [&](const std::string& name, bool) { names.push_back(name); });
  for (const std::string& name : names) remove_tree(join_path(path, name));
  ::rmdir(path.c_str());
}

}  // namespace altocast
