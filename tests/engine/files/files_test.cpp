#include "engine/files/files.hpp"

#include "engine/files/glob.hpp"

#include <unistd.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

using namespace sluice;
namespace fs = std::filesystem;

namespace {

/// A folder of a test, removed at its end.
struct test_folder {
  test_folder() {
    char name[] = "/tmp/sluice_files_XXXXXX";
    path = ::mkdtemp(name);
  }
  ~test_folder() { fs::remove_all(path); }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(path + "/" + name).parent_path());
    std::ofstream(path + "/" + name, std::ios::binary) << text;
  }
  std::string path;
};

std::vector<std::string> names(const test_folder& in, options path) {
  auto found = find_files({.path = std::move(path), .base_folder = in.path, .extensions = {"csv"}});
  if (!found.ok()) return {found.problem().code};
  std::vector<std::string> all;
  for (const auto& file : *found) all.push_back(file.name);
  return all;
}

using list = std::vector<std::string>;

std::string packed(compression kind, const std::string& text) {
  std::string out;
  auto codec = make_packer(kind);
  REQUIRE(codec.ok());
  for (std::size_t at = 0; at < text.size(); at += 1000) REQUIRE((*codec)->pack(text.substr(at, 1000), out).ok());
  REQUIRE((*codec)->finish(out).ok());
  return out;
}

std::string read_all(byte_stream& from, std::int64_t step) {
  std::string all;
  std::string part(static_cast<std::size_t>(step), '\0');
  for (;;) {
    auto got = from.read(reinterpret_cast<std::uint8_t*>(part.data()), step);
    if (!got.ok()) return got.problem().code;
    all.append(part, 0, static_cast<std::size_t>(*got));
    if (*got < step) return all;
  }
}

}  // namespace

TEST_CASE("globs fit within one folder") {
  CHECK(fits_glob("*.csv", "a.csv"));
  CHECK(fits_glob("a*b*c", "aXbYbZc"));
  CHECK_FALSE(fits_glob("*.csv", "a.csv.gz"));
  CHECK(fits_glob("a?c", "abc"));
  CHECK(fits_glob("a?c",
                  "a\xc3\xa4"
                  "c"));
  CHECK(fits_glob("[a-c]x", "bx"));
  CHECK_FALSE(fits_glob("[!a-c]x", "bx"));
  CHECK(fits_glob("[]]x", "]x"));
  CHECK(fits_glob("a[", "a["));
  CHECK(fits_glob("\\*", "*"));
}

TEST_CASE("files of globs, folders and lists come sorted and once") {
  const test_folder in;
  for (const auto* name :
       {"b.csv", "a.csv", "c.csv.gz", "x.txt", "sub/d.csv", "sub/deep/e.csv", ".hidden.csv", "_tmp/f.csv"})
    in.write(name, "x\n1\n");
  CHECK(names(in, "*.csv") == list{"a.csv", "b.csv"});
  CHECK(names(in, "[ab].csv") == list{"a.csv", "b.csv"});
  CHECK(names(in, "**/*.csv") == list{"a.csv", "b.csv", "sub/d.csv", "sub/deep/e.csv"});
  CHECK(names(in, "./") == list{"./a.csv", "./b.csv", "./c.csv.gz", "./sub/d.csv", "./sub/deep/e.csv"});
  CHECK(names(in, "sub") == list{"sub/d.csv", "sub/deep/e.csv"});
  CHECK(names(in, {"b.csv", "*.csv", "x.txt"}) == list{"b.csv", "a.csv", "x.txt"});
  CHECK(names(in, in.path + "/s?b/*") == list{in.path + "/sub/d.csv"});
}

TEST_CASE("a file whose name looks like a glob is found by its name") {
  const test_folder in;
  in.write("a[1].csv", "");
  CHECK(names(in, "a[1].csv") == list{"a[1].csv"});
}

TEST_CASE("what is not there is file_not_found, with what was searched") {
  const test_folder in;
  in.write("empty/x.txt", "");
  CHECK(names(in, "no.csv") == list{"file_not_found"});
  CHECK(names(in, "*.csv") == list{"file_not_found"});
  CHECK(names(in, "empty/") == list{"file_not_found"});
  const auto missed = find_files({.path = "in/*.csv", .base_folder = in.path});
  REQUIRE_FALSE(missed.ok());
  CHECK(missed.problem().hint.find(in.path + "/in") != std::string::npos);
}

TEST_CASE("packed files read as they were, also several streams in one file", "[files]") {
  const test_folder in;
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += std::to_string(i * 7919) + ",abc\n";
  const auto kind = GENERATE(compression::gzip, compression::zstd, compression::lz4, compression::bz2);
  const std::string name = kind == compression::gzip   ? "t.csv.gz"
                           : kind == compression::zstd ? "t.csv.zst"
                           : kind == compression::lz4  ? "t.csv.lz4"
                                                       : "t.csv.bz2";
  in.write(name, packed(kind, text) + packed(kind, "more\n"));
  const auto file = find_file(name, {.path = {}, .base_folder = in.path});
  REQUIRE(file.ok());
  CHECK(file->packed == kind);
  for (const std::int64_t step : {777, 1 << 20}) {
    const auto stream = open_stream(*file);
    REQUIRE(stream.ok());
    CHECK(read_all(**stream, step) == text + "more\n");
    CHECK((*stream)->consumed() == file->size);
  }
  const auto whole = packed(kind, text);
  in.write(name, whole.substr(0, whole.size() / 2));
  const auto damaged = open_stream(*find_file(name, {.path = {}, .base_folder = in.path}));
  REQUIRE(damaged.ok());
  CHECK(read_all(**damaged, 1 << 20) == "corrupt_file");
}

TEST_CASE("the option compression goes before the extension") {
  CHECK(*compression_of("a.csv.GZ", "auto") == compression::gzip);
  CHECK(*compression_of("a.csv.gz", "none") == compression::none);
  CHECK(*compression_of("a", "zstd") == compression::zstd);
  CHECK(compression_of("a", "rar").problem().code == "unknown_compression");
}
