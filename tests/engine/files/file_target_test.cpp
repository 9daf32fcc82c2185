#include "engine/files/file_target.hpp"
#include "engine/files/publish_lock.hpp"

#include "tests/support/temporary_folder.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <thread>

using sluice::file_mode;
using sluice::file_target;
using sluice::test::temporary_folder;
using names = std::vector<std::string>;

namespace {

file_target::request to(const std::string& path, file_mode mode = file_mode::replace) {
  return {.path = path, .mode = mode, .base_folder = "", .run_id = "run", .unit = "report"};
}

sluice::status publish(file_target& target, const std::string& text) {
  SLUICE_TRY(target.open(1));
  SLUICE_TRY(target.write(text));
  SLUICE_ASSIGN(const auto token, target.prepare());
  return target.commit(token);
}

std::string prepared(file_target& target) {
  auto token = target.prepare();
  REQUIRE(token.ok());
  return std::move(token).value();
}

std::string whole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("a file appears under its name only on commit") {
  const temporary_folder folder;
  file_target target(to(folder.file("out.csv")));
  REQUIRE(target.open(1).ok());
  REQUIRE(target.write("a,b\n").ok());
  const auto token = prepared(target);
  CHECK_FALSE(std::filesystem::exists(folder.file("out.csv")));
  CHECK(folder.names().size() == 1);
  REQUIRE(target.commit(token).ok());
  CHECK(folder.names() == names{"out.csv"});
  CHECK(folder.read("out.csv") == "a,b\n");
  CHECK(target.bytes() == 4);
}

TEST_CASE("committing a file again changes nothing") {
  const temporary_folder folder;
  file_target target(to(folder.file("out.csv")));
  REQUIRE(target.open(1).ok());
  REQUIRE(target.write("first").ok());
  const auto token = prepared(target);
  REQUIRE(target.commit(token).ok());
  CHECK(target.commit(token).ok());
  (void)folder.write("out.csv", "later work of someone else");
  CHECK(target.commit(token).ok());
  CHECK(folder.read("out.csv") == "later work of someone else");
}

TEST_CASE("an abort leaves neither the hidden file nor the folders it made") {
  const temporary_folder folder;
  file_target target(to(folder.file("a/b/out.csv")));
  REQUIRE(target.open(1).ok());
  REQUIRE(target.write("half").ok());
  SECTION("before prepare") {}
  SECTION("after prepare") { CHECK_FALSE(prepared(target).empty()); }
  target.abort();
  CHECK(folder.names().empty());
}

TEST_CASE("an abort keeps a folder in which someone else has put a file") {
  const temporary_folder folder;
  file_target target(to(folder.file("a/out.csv")));
  REQUIRE(target.open(1).ok());
  (void)folder.write("a/other", "x");
  target.abort();
  CHECK(folder.names() == names{"a", "a/other"});
}

TEST_CASE("replacing keeps the old file until commit, and its permissions") {
  const temporary_folder folder;
  const auto path = folder.write("out.csv", "old");
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  file_target target(to(path));
  REQUIRE(target.open(1).ok());
  REQUIRE(target.write("new").ok());
  const auto token = prepared(target);
  CHECK(folder.read("out.csv") == "old");
  REQUIRE(target.commit(token).ok());
  CHECK(folder.read("out.csv") == "new");
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0640);
}

TEST_CASE("a target that is a symbolic link stays one") {
  const temporary_folder folder;
  (void)folder.write("real.csv", "old");
  std::filesystem::create_symlink("real.csv", folder.file("link.csv"));
  file_target target(to(folder.file("link.csv")));
  REQUIRE(publish(target, "new").ok());
  CHECK(std::filesystem::is_symlink(folder.file("link.csv")));
  CHECK(folder.read("real.csv") == "new");
}

TEST_CASE("mode error refuses an existing target before any work, and one that appears during the run") {
  const temporary_folder folder;
  SECTION("before") {
    file_target target(to(folder.write("out.csv", "old"), file_mode::error));
    const auto opened = target.open(1);
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.problem().code == "target_exists");
    CHECK(opened.problem().message.find(folder.file("out.csv")) != std::string::npos);
  }
  SECTION("during") {
    file_target target(to(folder.file("out.csv"), file_mode::error));
    REQUIRE(target.open(1).ok());
    const auto token = prepared(target);
    (void)folder.write("out.csv", "old");
    const auto committed = target.commit(token);
    REQUIRE_FALSE(committed.ok());
    CHECK(committed.problem().code == "target_exists");
    target.abort();
  }
  CHECK(folder.names() == names{"out.csv"});
  CHECK(folder.read("out.csv") == "old");
}

TEST_CASE("append shows the old content and the new at once") {
  const temporary_folder folder;
  const auto path = folder.write("out.csv", "old\n");
  file_target target(to(path, file_mode::append));
  REQUIRE(target.open(1).ok());
  CHECK(target.appends());
  REQUIRE(target.write("new\n").ok());
  CHECK(target.bytes() == 4);
  const auto token = prepared(target);
  CHECK(folder.read("out.csv") == "old\n");
  REQUIRE(target.commit(token).ok());
  CHECK(folder.read("out.csv") == "old\nnew\n");
  SECTION("a target that is not there yet is made") {
    file_target fresh(to(folder.file("fresh.csv"), file_mode::append));
    REQUIRE(publish(fresh, "new\n").ok());
    CHECK(folder.read("fresh.csv") == "new\n");
  }
}

TEST_CASE("append follows what someone else has put into the target meanwhile") {
  const temporary_folder folder;
  const auto path = folder.write("out.csv", "old\n");
  std::vector<std::string> seen;
  file_target target(to(path, file_mode::append));
  target.continue_by(
      [&](const sluice::input_file* old, const std::string* form) -> sluice::result<sluice::continuation> {
        seen.push_back(old == nullptr ? "nothing" : whole(old->path));
        seen.push_back(form == nullptr ? "any form" : *form);
        return sluice::continuation{.between = old == nullptr ? "first\n" : "then\n", .form = "lines"};
      });
  REQUIRE(target.open(1).ok());
  REQUIRE(target.write("new\n").ok());
  SECTION("before it is prepared") {
    (void)folder.write("out.csv", "old\nof others\n");
    REQUIRE(target.commit(prepared(target)).ok());
    CHECK(folder.read("out.csv") == "old\nof others\nthen\nnew\n");
    CHECK(seen == std::vector<std::string>{"old\n", "any form", "old\nof others\n", "lines"});
  }
  SECTION("before it is published") {
    const auto token = prepared(target);
    (void)folder.write("out.csv", "of others\n");
    REQUIRE(target.commit(token).ok());
    CHECK(folder.read("out.csv") == "of others\nthen\nnew\n");
  }
  SECTION("by taking it away") {
    const auto token = prepared(target);
    std::filesystem::remove(path);
    REQUIRE(target.commit(token).ok());
    CHECK(folder.read("out.csv") == "first\nnew\n");
  }
  CHECK(folder.names() == names{"out.csv"});
}

TEST_CASE(
    "another process publishes by the token, also behind what others have appended, and repeats it without effect") {
  const temporary_folder folder;
  const auto path = folder.write("out.csv", "old\n");
  std::string token;
  {
    file_target dies(to(path, file_mode::append));
    REQUIRE(dies.open(1).ok());
    REQUIRE(dies.write("new\n").ok());
    token = prepared(dies);
  }
  SECTION("nothing has happened since") {
    REQUIRE(file_target(to(path, file_mode::append)).commit(token).ok());
    CHECK(folder.read("out.csv") == "old\nnew\n");
  }
  SECTION("someone has appended") {
    (void)folder.write("out.csv", "old\nof others\n");
    REQUIRE(file_target(to(path, file_mode::append)).commit(token).ok());
    CHECK(folder.read("out.csv") == "old\nof others\nnew\n");
  }
  const auto content = folder.read("out.csv");
  REQUIRE(file_target(to(path, file_mode::append)).recover({token}).ok());
  CHECK(folder.read("out.csv") == content);
  CHECK(folder.names() == names{"out.csv"});
}

TEST_CASE("one at a time publishes into a folder") {
  const temporary_folder folder;
  using namespace std::chrono_literals;
  sluice::interruption stop;
  {
    const auto first = sluice::publish_lock::take(folder.path().string(), stop, 0ms);
    REQUIRE(first.ok());
    const auto second = sluice::publish_lock::take(folder.path().string(), stop, 1ms);
    REQUIRE_FALSE(second.ok());
    CHECK(second.problem().code == "target_busy");
    CHECK(second.problem().retry);
    stop.raise();
    CHECK(sluice::publish_lock::take(folder.path().string(), stop).problem().code == "interrupted");
  }
  CHECK(sluice::publish_lock::take(folder.path().string(), stop, 0ms).ok());
  CHECK(sluice::publish_lock::take(folder.file("none"), stop, 0ms).problem().code == "cannot_lock");
  CHECK(folder.names().empty());
}

TEST_CASE("a target that can't be written says why and where") {
  const temporary_folder folder;
  SECTION("a parent is a file") {
    (void)folder.write("a", "");
    file_target target(to(folder.file("a/b/out.csv")));
    const auto opened = target.open(1);
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.problem().code == "not_a_folder");
    CHECK(opened.problem().message.find(folder.file("a")) != std::string::npos);
  }
  SECTION("the target is a folder") {
    file_target target(to(folder.path().string()));
    CHECK(target.open(1).problem().code == "is_a_folder");
  }
  SECTION("the path ends with a slash") {
    file_target target(to(folder.file("out/")));
    CHECK(target.open(1).problem().code == "is_a_folder");
    CHECK(folder.names().empty());
  }
}

TEST_CASE("a device gets the bytes directly, and a full one says disk_full") {
  file_target none(to("/dev/null"));
  CHECK(publish(none, "x").ok());
  CHECK(std::filesystem::is_character_file("/dev/null"));
  file_target full(to("/dev/full"));
  REQUIRE(full.open(1).ok());
  const auto written = full.write("x");
  REQUIRE_FALSE(written.ok());
  CHECK(written.problem().code == "disk_full");
}

TEST_CASE("a full disk leaves nothing behind") {
  const temporary_folder folder;
  if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=64k") != 0) {
    WARN("mounting needs root: not tested");
    return;
  }
  {
    file_target target(to(folder.file("out.csv")));
    REQUIRE(target.open(1).ok());
    const auto written = target.write(std::string(1 << 20, 'x'));
    REQUIRE_FALSE(written.ok());
    CHECK(written.problem().code == "disk_full");
    CHECK(written.problem().message.find("out.csv") != std::string::npos);
    target.abort();
    CHECK(folder.names().empty());
  }
  ::umount(folder.path().c_str());
}

TEST_CASE("pieces are written in order, however many there are") {
  const temporary_folder folder;
  file_target target(to(folder.file("out")));
  REQUIRE(target.open(1).ok());
  std::vector<std::string> texts;
  std::string expected;
  for (int i = 0; i < 3000; ++i) expected += texts.emplace_back(std::to_string(i) + ",");
  std::vector<iovec> pieces;
  for (auto& text : texts) pieces.push_back({text.data(), text.size()});
  REQUIRE(target.write(pieces).ok());
  const auto token = prepared(target);
  REQUIRE(target.commit(token).ok());
  CHECK(folder.read("out") == expected);
  CHECK(target.bytes() == static_cast<std::int64_t>(expected.size()));
}

TEST_CASE("a reader that closes its end of a pipe is no error") {
  const temporary_folder folder;
  REQUIRE(::mkfifo(folder.file("pipe").c_str(), 0600) == 0);
  const int reader = ::open(folder.file("pipe").c_str(), O_RDONLY | O_NONBLOCK);
  file_target target(to(folder.file("pipe")));
  REQUIRE(target.open(1).ok());
  REQUIRE(target.write("seen").ok());
  ::close(reader);
  CHECK(target.write("unseen").ok());
  CHECK(target.write("and the rest").ok());
  CHECK(target.commit(prepared(target)).ok());
}

TEST_CASE("whoever waits for the reader of a pipe can be stopped") {
  const temporary_folder folder;
  REQUIRE(::mkfifo(folder.file("pipe").c_str(), 0600) == 0);
  file_target target(to(folder.file("pipe")));
  sluice::status done;
  SECTION("for one that reads nothing") {
    const int reader = ::open(folder.file("pipe").c_str(), O_RDONLY | O_NONBLOCK);
    REQUIRE(target.open(1).ok());
    std::thread writes([&] { done = target.write(std::string(4'000'000, 'x')); });
    target.interrupt();
    writes.join();
    ::close(reader);
  }
  SECTION("for one that has yet to come") {
    std::thread opens([&] { done = target.open(1); });
    target.interrupt();
    opens.join();
  }
  REQUIRE_FALSE(done.ok());
  CHECK(done.problem().code == "interrupted");
}

TEST_CASE("relative targets start at the run's base folder") {
  const temporary_folder folder;
  auto what = to("sub/../out.csv");
  what.base_folder = folder.path().string();
  file_target target(what);
  REQUIRE(publish(target, "x").ok());
  CHECK(target.path() == folder.file("out.csv"));
}
