#include "engine/store/sqlite_database.hpp"
#include "engine/store/store.hpp"
#include "tests/support/temporary_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

namespace sluice::store::testing {

TEST_CASE("sqlite store of a newer version is refused and left alone", "[sqlite-store]") {
  const sluice::test::temporary_folder folder;
  REQUIRE(open_sqlite(folder.file("sluice.db")).ok());
  {
    sqlite_database raw;
    REQUIRE(raw.open(folder.file("sluice.db"), 1000).ok());
    REQUIRE(raw.execute("PRAGMA user_version = 99").ok());
  }
  const auto opened = open_sqlite(folder.file("sluice.db"));
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.problem().code == "store_too_new");
  CHECK(opened.problem().message.find("99") != std::string::npos);
}

TEST_CASE("sqlite store of an older version is brought up to date, its runs kept", "[sqlite-store]") {
  const sluice::test::temporary_folder folder;
  run_record run;
  run.id = "aa-1";
  run.pipeline = "daily";
  REQUIRE(open_sqlite(folder.file("sluice.db")).value()->create_run(run, {}).value());
  {
    sqlite_database raw;
    REQUIRE(raw.open(folder.file("sluice.db"), 1000).ok());
    for (const auto* each : {"UPDATE runs SET state = 'succeeded', created = 5, ended = 9",
                             "DROP TABLE source_states",
                             "DROP TABLE source_files",
                             "DROP TABLE source_versions",
                             "ALTER TABLE runs DROP COLUMN uses_state",
                             "DROP TABLE processes",
                             "ALTER TABLE runs DROP COLUMN process",
                             "ALTER TABLE runs DROP COLUMN context",
                             "DROP TABLE commits",
                             "DROP TABLE pipeline_totals",
                             "DROP TABLE pipeline_ends",
                             "DROP TABLE subscriptions",
                             "DROP TABLE deliveries",
                             "DROP TABLE channels",
                             "DROP TABLE acknowledged",
                             "DROP TABLE silences",
                             "DROP TABLE stream",
                             "ALTER TABLE lease DROP COLUMN process",
                             "ALTER TABLE lease DROP COLUMN endpoint",
                             "PRAGMA user_version = 1"})
      REQUIRE(raw.execute(each).ok());
  }
  const auto opened = open_sqlite(folder.file("sluice.db"));
  REQUIRE(opened.ok());
  CHECK((*opened)->find_run("aa-1").ok());
  CHECK((*opened)->sources_of("daily").value().version == 0);
  CHECK((*opened)->totals().value().pipelines.at(0).last_success == 9);
}

TEST_CASE("sqlite store says what is wrong with a file that is none", "[sqlite-store]") {
  const sluice::test::temporary_folder folder;
  std::ofstream(folder.file("sluice.db")) << std::string(4096, 'x');
  const auto opened = open_sqlite(folder.file("sluice.db"));
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.problem().code == "store_corrupt");
}

TEST_CASE("sqlite store is refused where it was cut off, never taken for a new one", "[sqlite-store]") {
  const sluice::test::temporary_folder folder;
  const auto path = folder.file("state/sluice.db");
  {
    const auto made = open_sqlite(path).value();
    REQUIRE(made->create_run({.id = "a", .pipeline = "daily"}, {}).value());
  }
  const auto refused = [&] {
    const auto opened = open_sqlite(path);
    return opened.ok() ? std::string("opened") : opened.problem().code;
  };
  std::filesystem::resize_file(path, 0);
  CHECK(refused() == "store_corrupt");
  std::filesystem::remove(path);
  std::ofstream(path + "-wal") << "rest of a log";
  CHECK(refused() == "store_corrupt");
  std::filesystem::remove(path + "-wal");
  CHECK(refused() == "opened");
}

TEST_CASE("sqlite store is its owner's only, whatever the umask", "[sqlite-store]") {
  const sluice::test::temporary_folder folder;
  const auto path = folder.file("above/state/sluice.db");
  const auto rights = [](const std::string& of) {
    return static_cast<unsigned>(std::filesystem::status(of).permissions()) & 07777U;
  };
  for (const mode_t mask : {0, 0777}) {
    const auto before = ::umask(mask);
    const auto opened = open_sqlite(path).value();
    REQUIRE(opened->create_run({.id = "a" + std::to_string(mask), .pipeline = "daily"}, {}).ok());
    ::umask(before);
    CHECK(rights(folder.file("above/state")) == 0700);
    for (const auto* tail : {"", "-wal", "-shm"}) CHECK(rights(path + tail) == 0600);
    // What an older sluice left open is closed.
    REQUIRE(::chmod(folder.file("above/state").c_str(), 0755) == 0);
    REQUIRE(::chmod(path.c_str(), 0644) == 0);
  }
  CHECK(open_sqlite(path).ok());
  CHECK(rights(path) == 0600);
}

TEST_CASE("sqlite store is refused in a folder that others can write, and through links", "[sqlite-store]") {
  const sluice::test::temporary_folder folder;
  const auto code = [](const std::string& path) {
    const auto opened = open_sqlite(path);
    return opened.ok() ? std::string("opened") : opened.problem().code;
  };
  REQUIRE(open_sqlite(folder.file("own/sluice.db")).ok());
  REQUIRE(::chmod(folder.file("own").c_str(), 0770) == 0);
  CHECK(code(folder.file("own/sluice.db")) == "folder_exposed");
  REQUIRE(::chmod(folder.file("own").c_str(), 0700) == 0);
  std::filesystem::create_directory_symlink(folder.file("own"), folder.file("link"));
  CHECK(code(folder.file("link/sluice.db")) == "link_refused");
  std::filesystem::create_directory(folder.file("planted"));
  REQUIRE(::chmod(folder.file("planted").c_str(), 0700) == 0);
  std::filesystem::create_symlink(folder.file("made-by-us"), folder.file("planted/sluice.db"));
  CHECK(code(folder.file("planted/sluice.db")) == "link_refused");
  CHECK_FALSE(std::filesystem::exists(folder.file("made-by-us")));
  REQUIRE(::chmod(folder.file("own/sluice.db").c_str(), 0666) == 0);
  CHECK(code(folder.file("own/sluice.db")) == "file_exposed");
  if (::geteuid() != 0) return;
  REQUIRE(::chown(folder.file("own").c_str(), 65534, 65534) == 0);
  CHECK(code(folder.file("own/sluice.db")) == "folder_exposed");
}

TEST_CASE("processes that open a new state at once agree on one", "[sqlite-store]") {
  const sluice::test::temporary_folder folder;
  std::vector<std::thread> openers;
  std::atomic<int> failures = 0;
  for (int i = 0; i < 8; ++i)
    openers.emplace_back([&, i] {
      const auto opened = open_sqlite(folder.file("state/sluice.db"));
      if (!opened.ok() || !(*opened)->create_run({.id = std::to_string(i), .pipeline = "p"}, {}).ok()) ++failures;
    });
  for (auto& one : openers) one.join();
  CHECK(failures == 0);
  CHECK(open_sqlite(folder.file("state/sluice.db")).value()->runs({}).value().size() == 8);
  // Nothing is left of those that came second.
  for (const auto& name : folder.names()) CHECK(name.find(".new") == std::string::npos);
}

TEST_CASE("the start of a process is known while it lives", "[sqlite-store]") {
  CHECK(process_start(getpid()) > 0);
  CHECK(process_start(getpid()) == process_start(getpid()));
  CHECK(process_start(0) == 0);
  CHECK(process_start(1 << 30) == 0);
}

}  // namespace sluice::store::testing
