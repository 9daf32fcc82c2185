#include "engine/notify/condition.hpp"

#include "engine/notify/event_catalogue.hpp"
#include "engine/values/types.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace sluice;
using namespace sluice::notify;

namespace {

store::event failed() {
  store::event made;
  made.run = "r";
  made.type = "run.failed";
  made.pipeline = "daily";
  made.owner = "data@shop.example";
  made.tags = {"finance", "nightly"};
  made.data =
      options{{"rejected", 12}, {"cause", {{"code", "disk_full"}, {"message", "no room"}, {"where", "unit out"}}}};
  return made;
}

bool holds(const std::string& text, const store::event& of, const options& params = options::object(),
           const param_types& types = {}) {
  diagnostics faults;
  const auto bound = condition::bind(text, types, {}, faults);
  INFO(text << (faults.empty() ? "" : ": " + faults.front().to_string()));
  REQUIRE(bound != nullptr);
  return bound->matches({of}, {params}).value()[0];
}

error fault_of(const std::string& text) {
  diagnostics faults;
  CHECK(condition::bind(text, {}, {}, faults) == nullptr);
  REQUIRE_FALSE(faults.empty());
  return faults.front();
}

}  // namespace

TEST_CASE("when knows what is known of an event") {
  const auto event = failed();
  CHECK(holds("type = 'run.failed'", event));
  CHECK(holds("type in ('run.failed', 'run.partial') and final and attempt = 1", event));
  CHECK(holds("severity = 'error'", event));
  CHECK(holds("pipeline like 'da%' and owner = 'data@shop.example'", event));
  CHECK(holds("'finance' = any(tags)", event));
  CHECK_FALSE(holds("'hr' = any(tags)", event));
  CHECK(holds("data.code = 'disk_full' and data.message like '%room%'", event));
  CHECK(holds("data.rejected > 10", event));
  CHECK(holds("data.path is null", event));
  CHECK_FALSE(holds("data.path = 'x'", event));
  CHECK_FALSE(holds("10 / (data.rejected - 12) = 1", event));
}

TEST_CASE("a run that is tried again has no final event yet") {
  auto event = failed();
  event.data["attempt"] = 2;
  event.data["final"] = false;
  CHECK(holds("not final and attempt = 2", event));
}

TEST_CASE("a value that a column has to have finds the events that are worth a look") {
  std::vector<store::event> events(4, failed());
  events[1].type = "run.succeeded";
  events[2].data["rejected"] = 7;
  events[3].data["rejected"] = "07";
  event_columns columns(events);
  using rows = std::vector<std::size_t>;
  const auto found = [&](const std::string& text) {
    diagnostics faults;
    return condition::bind(text, {{"day", "text"}}, {}, faults)->candidates(columns).value();
  };
  CHECK(found("type = 'run.failed'") == rows{0, 2, 3});
  CHECK(found("rejected > 3 and type in ('run.succeeded', 'run.partial')") == rows{1});
  CHECK(found("7 = data.rejected") == rows{2, 3});  // as it compares: the text is read as a number
  CHECK(found("type = 'no such type'") == rows{});
  // Nothing says what it can't be true of.
  for (const auto* text : {"type = 'a' or rejected = 7", "not (type = 'a')", "type not in ('a')", "params.day = 'x'",
                           "rejected = 7.0", "type = owner", "lower(type) = 'a'"})
    CHECK_FALSE(found(text));
}

TEST_CASE("when knows the params of the run by their types") {
  const param_types types = {{"day", "date"}, {"type", "text"}};
  const options params = {{"day", "2024-05-01"}, {"type", "full"}};
  CHECK(holds("params.day = date '2024-05-01'", failed(), params, types));
  CHECK(holds("params.day + 1 > date '2024-05-01' and params.type = 'full'", failed(), params, types));
  // A param of the same name hides no column.
  CHECK(holds("event.type = 'run.failed'", failed(), params, types));
  CHECK(fault_of("params.day = date '2024-05-01'").code == "unknown_column");
}

TEST_CASE("faults of when say where and what is near") {
  const auto misspelt = fault_of("typ = 'run.failed'");
  CHECK(misspelt.code == "unknown_column");
  CHECK(misspelt.hint == "did you mean type?");
  CHECK(misspelt.offset == 0);
  CHECK(fault_of("type").code == "type_mismatch");
  CHECK(fault_of("'a' = any(type)").message.find("any() takes a list") != std::string::npos);
}

TEST_CASE("the catalogue is sorted, and every field of an event has a type of the language") {
  const auto& all = event_types();
  CHECK(std::is_sorted(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; }));
  for (const auto& type : all) CHECK(find_event_type(type.name) == &type);
  for (const auto& field : event_fields()) CHECK(parse_type(field.type).ok());
  CHECK(severity_of("run.failed") == severity::error);
  CHECK(severity_of("of.the.future") == severity::info);
}
