// Paths and folders, by the system's own calls: what the edge program needs of std::filesystem, which with the
// character sets and locales that it draws in would be a tenth of the static program.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace altocast {

// --- Paths as text. Nothing is looked up.

// `name` within `folder`; an absolute `name` stands for itself.
std::string join_path(std::string_view folder, std::string_view name);
// What stands before the last name: "a" of "a/b" and of "a/", "/" of "/a", "" of "a".
std::string parent_path(std::string_view path);
// What stands after the last "/".
std::string file_name(std::string_view path);
// Without "." and double "/", and without ".." as far as a name stands before it. A "/" at the end stays one.
std::string normal_path(std::string_view path);
// `path` without "/" at its end.
std::string without_end_slash(std::string_view path);

// --- What is there. Whatever cannot be looked at is not there.

bool exists(const std::string& path);     // links are followed
bool is_folder(const std::string& path);  // links are followed
bool is_named(const std::string& path);   // a link that leads nowhere is there as well
bool is_link(const std::string& path);
// Where a link leads, as it is written in it; "" if `path` is none.
std::string link_target(const std::string& path);
std::optional<std::uint64_t> file_size(const std::string& path);

// The absolute path without links, "." or "..", of which the end need not exist yet.
std::string real_path(const std::string& path, std::error_code& error);
// `path` below the working folder, unless it is absolute already.
std::string absolute_path(const std::string& path, std::error_code& error);

// --- Folders

// Calls visit(name, whether it is a folder and no link to one) for each entry but "." and "..", in no order.
std::error_code list_folder(const std::string& folder, const std::function<void(const std::string&, bool)>& visit);
// Where it is a folder already, all is well. make_folders makes those above it too.
std::error_code make_folder(const std::string& path);
std::error_code make_folders(const std::string& path);
// A file, a link, or a folder with all that it holds. As far as it can.
void remove_tree(const std::string& path);

}  // namespace altocast
