#include "engine/files/file_identity.hpp"
#include "engine/files/glob.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace sluice;
using test::temporary_folder;
namespace fs = std::filesystem;

namespace {

void touch(const fs::path& path) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << "x";
}

}  // namespace

TEST_CASE("a real path follows every link, also to what is not there yet") {
  const temporary_folder folder;
  const fs::path root = fs::canonical(folder.path());
  touch(root / "real/deep/a");
  fs::create_directory_symlink("real", root / "link");
  fs::create_directory_symlink("../link/deep", root / "real/back");
  fs::create_symlink("link/new/file", root / "dangling");
  fs::create_symlink("round", root / "round");
  const auto real = [&](const std::string& path) { return fs::path(real_path((root / path).string())); };
  CHECK(real("real/deep/a") == root / "real/deep/a");
  CHECK(real("link/back/a") == root / "real/deep/a");
  CHECK(real("link/nowhere/b") == root / "real/nowhere/b");
  CHECK(real("dangling") == root / "real/new/file");
  CHECK(real("round").parent_path() == root);
  CHECK(real_path("/") == "/");
}

TEST_CASE("what a magic link of /proc leads to keeps its name") {
  int ends[2] = {};
  REQUIRE(::pipe(ends) == 0);
  const auto name = "/proc/self/fd/" + std::to_string(ends[1]);
  // Its text is "pipe:[4711]", which is no path.
  CHECK(fs::exists(real_path(name)));
  CHECK(identity_of(name) == identity_of(ends[1]));
  for (const int end : ends) ::close(end);
}

TEST_CASE("files are the same whatever their path is spelled like") {
  const temporary_folder folder;
  const auto in = [&](const char* name) { return folder.file(name); };
  touch(in("a"));
  fs::create_hard_link(in("a"), in("b"));
  fs::create_directory_symlink(".", in("here"));
  CHECK(identity_of(in("a")) == identity_of(in("b")));
  CHECK(identity_of(in("a")) == identity_of(in("here/a")));
  CHECK(place_of(in("a")) == place_of(in("here/a")));
  CHECK_FALSE(place_of(in("a")) == place_of(in("b")));
  CHECK(identity_of(in("x/y")) == identity_of(in("here/x/y")));
  CHECK_FALSE(identity_of(in("x/y")) == identity_of(in("x/z")));
  CHECK(place_of(in("x/y")).below == "x/y");
}

TEST_CASE("a glob would find what is found once it is there") {
  const auto pattern =
      GENERATE(as<std::string>(), "in/*", "in/*/*", "in/**", "**", "**/*.csv", "link/**/x*", "in/20*/*",
               "in/2024/**/*.csv", "*/2024/*", "in/../link/*", "in/.*", "in/x.csv", "link/*/y/**");
  const auto file =
      GENERATE(as<std::string>(), "x.csv", "in/x.csv", "in/2024/x.csv", "in/2025/x.csv", "in/2024/y/z/x.csv",
               "in/_x.csv", "in/.x.csv", "in/.h/x.csv", "out/x.csv", "in/2024/xx.json");
  INFO(pattern << " " << file);
  const temporary_folder folder;
  touch(folder.file("in/2024/a.csv"));
  fs::create_directory_symlink(folder.file("in"), folder.file("link"));
  const auto would = glob_would_find(pattern, folder.path().string(), place_of(folder.file(file)));
  touch(folder.file(file));
  const auto found = expand_glob(pattern, folder.path().string());
  REQUIRE(would.ok());
  REQUIRE(found.ok());
  CHECK(*would == std::any_of(found->begin(), found->end(), [&](const auto& name) {
    return identity_of(folder.file(name)) == identity_of(folder.file(file));
  }));
}
