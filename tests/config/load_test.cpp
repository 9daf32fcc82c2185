#include "config/load.hpp"
#include "config/render.hpp"
#include "engine/memory/manager.hpp"
#include "engine/plan/plan.hpp"

#include <catch2/catch.hpp>

using namespace sluice;

namespace {

config::load_options with(std::map<std::string, std::string> environment = {},
                          std::map<std::string, std::string> set = {}) {
  return {std::move(set), [environment](const std::string& name) -> std::optional<std::string> {
            const auto found = environment.find(name);
            if (found == environment.end()) return {};
            return found->second;
          }};
}

}  // namespace

TEST_CASE("a linear pipeline is read and planned") {
  const std::string text = R"(version: 1
pipeline: numbers
extract:
  rows:
    generate: { rows: 1000, columns: { n: sequence } }
load:
  nothing:
    from: rows
    blackhole:
)";
  diagnostics faults;
  std::shared_ptr<const config::document> source;
  auto loaded = config::load_pipeline_text(text, "p.yaml", with(), faults, &source);
  INFO(config::render(faults, source.get()));
  REQUIRE(loaded);
  CHECK(loaded->definition.name == "numbers");
  REQUIRE(loaded->definition.units.size() == 2);
  run_context context;
  context.memory = std::make_shared<memory::manager>(1 << 30);
  auto made = make_plan(loaded->definition, context, faults);
  config::resolve_locations(*source, faults);
  INFO(config::render(faults, source.get()));
  REQUIRE(made);
  REQUIRE(made->units.size() == 2);
  REQUIRE(made->edges.size() == 1);
  CHECK(made->edges[0].restore_order);
}
