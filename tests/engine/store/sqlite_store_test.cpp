#include "engine/store/sqlite_database.hpp"
#include "tests/engine/store/store_suite.hpp"
#include "tests/support/temporary_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

namespace sluice::store::testing {

namespace {

store_under_test sqlite() {
  const auto folder = std::make_shared<sluice::test::temporary_folder>();
  return {[folder] { return open_sqlite(folder->file("state/sluice.db")).value(); }};
}

}  // namespace

TEST_CASE("sqlite store keeps runs over a restart", "[store]") { keeps_runs(sqlite); }
TEST_CASE("sqlite store numbers events without gaps", "[store]") { numbers_events(sqlite); }
TEST_CASE("sqlite store knows when a run began that ended at once", "[store]") { times_fast_runs(sqlite); }
TEST_CASE("sqlite store lets nothing change an ended run", "[store]") { guards_final_states(sqlite); }
TEST_CASE("sqlite store refuses a controller whose term is over", "[store]") { guards_terms(sqlite); }
TEST_CASE("sqlite store finds a run by id, prefix, pipeline and last", "[store]") { resolves_references(sqlite); }
TEST_CASE("sqlite store keeps subscribers' cursors", "[store]") { keeps_cursors(sqlite); }
TEST_CASE("sqlite store remembers what sources have taken", "[store]") { remembers_sources(sqlite); }
TEST_CASE("sqlite store lets one live run use a pipeline's state", "[store]") { lets_one_run_use_the_state(sqlite); }
TEST_CASE("sqlite store keeps decisions to commit until they are settled", "[store]") { decides_commits(sqlite); }
TEST_CASE("sqlite store lets nothing pass a commit that was refused", "[store]") { keeps_refused_commits(sqlite); }
TEST_CASE("sqlite store gives a run to another process when its own is dead", "[store]") {
  takes_over_from_the_dead(sqlite);
}
TEST_CASE("sqlite store counts what pipelines have done", "[store]") { counts_for_monitors(sqlite); }
TEST_CASE("sqlite store serves several threads and connections", "[store]") { serves_many_threads(sqlite); }

TEST_CASE("sqlite store of a newer version is refused and left alone", "[store]") {
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

TEST_CASE("sqlite store of an older version is brought up to date, its runs kept", "[store]") {
  const sluice::test::temporary_folder folder;
  run_record run;
  run.id = "aa-1";
  run.pipeline = "daily";
  REQUIRE(open_sqlite(folder.file("sluice.db")).value()->create_run(run, {}).value());
  {
    sqlite_database raw;
    REQUIRE(raw.open(folder.file("sluice.db"), 1000).ok());
    for (const auto* each :
         {"UPDATE runs SET state = 'succeeded', created = 5, ended = 9", "DROP TABLE source_states",
          "DROP TABLE source_files", "DROP TABLE source_versions", "ALTER TABLE runs DROP COLUMN uses_state",
          "DROP TABLE processes", "ALTER TABLE runs DROP COLUMN process", "ALTER TABLE runs DROP COLUMN context",
          "DROP TABLE commits", "DROP TABLE pipeline_totals", "DROP TABLE pipeline_ends", "DROP TABLE subscriptions",
          "DROP TABLE deliveries", "DROP TABLE channels", "DROP TABLE acknowledged", "DROP TABLE silences",
          "DROP TABLE stream", "PRAGMA user_version = 1"})
      REQUIRE(raw.execute(each).ok());
  }
  const auto opened = open_sqlite(folder.file("sluice.db"));
  REQUIRE(opened.ok());
  CHECK((*opened)->find_run("aa-1").ok());
  CHECK((*opened)->sources_of("daily").value().version == 0);
  CHECK((*opened)->totals().value().pipelines.at(0).last_success == 9);
}

TEST_CASE("sqlite store says what is wrong with a file that is none", "[store]") {
  const sluice::test::temporary_folder folder;
  std::ofstream(folder.file("sluice.db")) << std::string(4096, 'x');
  const auto opened = open_sqlite(folder.file("sluice.db"));
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.problem().code == "store_corrupt");
}

TEST_CASE("sqlite store is refused where it was cut off, never taken for a new one", "[store]") {
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

TEST_CASE("sqlite store is its owner's only, whatever the umask", "[store]") {
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

TEST_CASE("sqlite store is refused in a folder that others can write, and through links", "[store]") {
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

TEST_CASE("processes that open a new state at once agree on one", "[store]") {
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

TEST_CASE("the start of a process is known while it lives", "[store]") {
  CHECK(process_start(getpid()) > 0);
  CHECK(process_start(getpid()) == process_start(getpid()));
  CHECK(process_start(0) == 0);
  CHECK(process_start(1 << 30) == 0);
}

}  // namespace sluice::store::testing
