#include "formats/file_system.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "tests/formats/temporary_folder.h"

namespace altocast {
namespace {

namespace fs = std::filesystem;

// The standard library's answers are the definition.
TEST(Paths, AreTakenApartAndPutTogetherAsTheStandardLibraryDoes) {
  const std::string paths[] = {
      "a",      "a/b",  "/a",        "/a/b", "a/",    "a//b",         "/",      ".",  "./a",   "a/.",  "a/..",
      "a/../b", "../a", "a/../../b", "/..",  "/../a", "a/b/../c/./d", "a/b/..", "..", "../..", "a/./", "./"};
  for (const std::string& path : paths) {
    EXPECT_EQ(parent_path(path), fs::path(path).parent_path()) << path;
    EXPECT_EQ(file_name(path), fs::path(path).filename()) << path;
    EXPECT_EQ(normal_path(path), fs::path(path).lexically_normal()) << path;
    for (const std::string& name : paths) {
      EXPECT_EQ(join_path(path, name), (fs::path(path) / name).string()) << path << " " << name;
    }
  }
  EXPECT_EQ(join_path("", "a"), "a");
  EXPECT_EQ(without_end_slash("a//"), "a");
  EXPECT_EQ(without_end_slash("/"), "/");
}

class FileSystem : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root_ / "folder/below");
    std::ofstream(root_ / "folder/file") << "12345";
    fs::create_symlink("folder", root_ / "link");
    fs::create_symlink("nowhere", root_ / "broken");
  }
  std::string at(const std::string& name) const { return (root_ / name).string(); }

  TemporaryFolder temporary_;
  const fs::path root_ = fs::canonical(temporary_.path());
};

TEST_F(FileSystem, TellsWhatIsThereThroughLinksAndOfThem) {
  EXPECT_TRUE(exists(at("folder/file")) && exists(at("link/file")));
  EXPECT_FALSE(exists(at("broken")) || exists(at("nowhere")) || exists(at("folder/file/x")));
  EXPECT_TRUE(is_named(at("broken")) && !is_named(at("nowhere")));
  EXPECT_TRUE(is_folder(at("folder")) && is_folder(at("link")) && !is_folder(at("folder/file")));
  EXPECT_TRUE(is_link(at("link")) && is_link(at("broken")) && !is_link(at("folder")));
  EXPECT_EQ(link_target(at("link")), "folder");
  EXPECT_EQ(link_target(at("folder")), "");
  EXPECT_EQ(file_size(at("link/file")), std::uint64_t{5});
  EXPECT_EQ(file_size(at("folder")), std::nullopt);
}

TEST_F(FileSystem, ResolvesPathsWhoseEndDoesNotExistYet) {
  std::error_code error;
  EXPECT_EQ(real_path(at("link/below/../new/./one"), error), at("folder/new/one"));
  EXPECT_FALSE(error);
  EXPECT_EQ(real_path(at("link/"), error), at("folder"));
  EXPECT_EQ(real_path("not_there/x", error), (fs::canonical(".") / "not_there/x").string());
  EXPECT_EQ(absolute_path("a/b", error), (fs::current_path() / "a/b").string());
  EXPECT_EQ(absolute_path("/a", error), "/a");
}

TEST_F(FileSystem, ListsEntriesAndTakesLinksToFoldersForNone) {
  std::map<std::string, bool> entries;
  EXPECT_FALSE(list_folder(at(""), [&](const std::string& name, bool folder) { entries[name] = folder; }));
  EXPECT_EQ(entries, (std::map<std::string, bool>{{"folder", true}, {"link", false}, {"broken", false}}));
  EXPECT_EQ(list_folder(at("nowhere"), [](const std::string&, bool) { FAIL(); }), std::errc::no_such_file_or_directory);
  EXPECT_EQ(list_folder(at("folder/file"), [](const std::string&, bool) { FAIL(); }), std::errc::not_a_directory);
}

TEST_F(FileSystem, MakesFoldersAndSaysWhyNot) {
  EXPECT_FALSE(make_folders(at("x/y/z/")));
  EXPECT_TRUE(fs::is_directory(at("x/y/z")));
  EXPECT_FALSE(make_folders(at("x/y")));
  EXPECT_EQ(make_folder(at("p/q")), std::errc::no_such_file_or_directory);
  EXPECT_EQ(make_folders(at("folder/file/z")), std::errc::not_a_directory);
  EXPECT_EQ(make_folder(at("folder/file")), std::errc::not_a_directory);
}

TEST_F(FileSystem, RemovesATreeButNotWhatItsLinksLeadTo) {
  fs::create_directories(at("tree/a/b"));
  std::ofstream(at("tree/a/b/c")) << "c";
  fs::create_symlink(at("folder"), at("tree/a/link"));
  remove_tree(at("tree"));
  EXPECT_FALSE(fs::exists(fs::symlink_status(at("tree"))));
  EXPECT_TRUE(fs::exists(at("folder/file")));
  remove_tree(at("link"));
  EXPECT_FALSE(is_named(at("link")));
  EXPECT_TRUE(fs::exists(at("folder/file")));
  remove_tree(at("nowhere"));
}

}  // namespace
}  // namespace altocast
