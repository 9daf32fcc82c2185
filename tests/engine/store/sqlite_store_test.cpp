#include "engine/store/sqlite_database.hpp"
#include "tests/engine/store/store_suite.hpp"
#include "tests/support/temporary_folder.hpp"

#include <unistd.h>
#include <catch2/catch.hpp>

#include <fstream>

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
    for (const auto* each : {"DROP TABLE source_states", "DROP TABLE source_files", "DROP TABLE source_versions",
                             "ALTER TABLE runs DROP COLUMN uses_state", "PRAGMA user_version = 1"})
      REQUIRE(raw.execute(each).ok());
  }
  const auto opened = open_sqlite(folder.file("sluice.db"));
  REQUIRE(opened.ok());
  CHECK((*opened)->find_run("aa-1").ok());
  CHECK((*opened)->sources_of("daily").value().version == 0);
}

TEST_CASE("sqlite store says what is wrong with a file that is none", "[store]") {
  const sluice::test::temporary_folder folder;
  std::ofstream(folder.file("sluice.db")) << std::string(4096, 'x');
  const auto opened = open_sqlite(folder.file("sluice.db"));
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.problem().code == "store_corrupt");
}

TEST_CASE("the start of a process is known while it lives", "[store]") {
  CHECK(process_start(getpid()) > 0);
  CHECK(process_start(getpid()) == process_start(getpid()));
  CHECK(process_start(0) == 0);
  CHECK(process_start(1 << 30) == 0);
}

}  // namespace sluice::store::testing
