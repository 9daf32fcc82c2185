#pragma once

#include "config/load.hpp"
#include "config/render.hpp"
#include "engine/memory/manager.hpp"
#include "engine/plan/plan.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace sluice::testing {

/// A run's context as planning needs it; relative paths start at the checkout's root, where the tests run.
inline run_context planning_context() {
  run_context context;
  context.run_id = "00000000-0000-7000-8000-000000000000";
  context.pipeline = "test";
  context.now_microseconds = 1'700'000'000'000'000;
  context.base_folder = ".";
  context.spill_folder = "/nonexistent/spill";
  context.memory = std::make_shared<memory::manager>(std::int64_t{1} << 30);
  return context;
}

/// An environment of these variables only.
inline config::load_options reading_with(std::map<std::string, std::string> environment = {},
                                         std::map<std::string, std::string> set = {}) {
  return {std::move(set), [environment](const std::string& name) -> std::optional<std::string> {
            const auto found = environment.find(name);
            if (found == environment.end()) return {};
            return found->second;
          }};
}

/// A pipeline's text read and planned; `shown` is what a user sees of its faults.
struct attempt {
  std::optional<pipeline> read;
  std::optional<plan> planned;
  diagnostics faults;
  std::string shown;

  /// True where exactly this fault was found: "code line:column".
  [[nodiscard]] bool has(const std::string& fault) const {
    for (const auto& one : faults)
      if (one.code + " " + std::to_string(one.at.line) + ":" + std::to_string(one.at.column) == fault) return true;
    return false;
  }
};

inline attempt read_text(const std::string& text, const config::load_options& with = reading_with()) {
  attempt made;
  std::shared_ptr<const config::document> source;
  auto loaded = config::load_pipeline_text(text, "p.yaml", with, made.faults, &source);
  made.shown = config::render(made.faults, source.get());
  if (loaded) made.read = std::move(loaded->definition);
  return made;
}

inline attempt plan_text(const std::string& text, const config::load_options& with = reading_with()) {
  attempt made;
  std::shared_ptr<const config::document> source;
  auto loaded = config::load_pipeline_text(text, "p.yaml", with, made.faults, &source);
  if (loaded) {
    made.read = loaded->definition;
    auto context = planning_context();
    context.params = loaded->definition.params;
    context.timezone = loaded->definition.timezone;
    made.planned = make_plan(loaded->definition, context, made.faults);
    config::resolve_locations(*source, made.faults);
  }
  made.shown = config::render(made.faults, source.get());
  return made;
}

}  // namespace sluice::testing
