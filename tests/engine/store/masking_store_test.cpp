#include "engine/store/masking_store.hpp"

#include "engine/secrets/known_secrets.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace sluice;
using namespace sluice::store;

namespace {

std::string bytes_of(const std::filesystem::path& folder) {
  std::ostringstream all;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder))
    if (file.is_regular_file()) all << std::ifstream(file.path(), std::ios::binary).rdbuf();
  return all.str();
}

}  // namespace

TEST_CASE("nothing that is written to the Store shows a secret") {
  test::temporary_folder folder;
  const std::string value = "St0re-secret";
  secrets::remember("in_store", value);
  const options data = {{"message", "no " + value}, {value, {{"path", "/a%2F/" + value}}}};
  {
    const auto kept = open_sqlite(folder.file("sluice.db")).value();
    run_record run;
    run.id = "0190a3f2-1b2c-7abc-8000-000000000001";
    run.pipeline = "p";
    run.owner = value;
    run.tags = {value};
    run.text = "a: " + value;
    run.params = {{"p", value}};
    run.summary = data;
    run.cause = data;
    REQUIRE(kept->create_run(run, {{.run = run.id, .type = "run.queued", .data = data}}).value());
    manifest decided;
    decided.end = "succeeded";
    decided.sinks = {{.unit = "o", .token = "t", .target = "/out/" + value, .rows = 1}};
    change what;
    what.run = run.id;
    what.state = run_state::committing;
    what.cause = data;
    what.summary = data;
    what.decision = decided;
    what.events = {{.run = run.id, .type = "run.committing", .data = data}};
    const auto written = kept->apply(what);
    REQUIRE(written.ok());
    CHECK(written->front().data.dump() ==
          R"({"message":"no ${secret:in_store}","${secret:in_store}":{"path":"/a%2F/${secret:in_store}"}})");
    CHECK(kept->find_run(run.id)->owner == "${secret:in_store}");
    CHECK(kept->due_commits()->front().what.sinks.front().target == "/out/${secret:in_store}");
    CHECK(bytes_of(folder.path()).find(value) == std::string::npos);
  }
  CHECK(bytes_of(folder.path()).find(value) == std::string::npos);
  CHECK(bytes_of(folder.path()).find("${secret:in_store}") != std::string::npos);
}
