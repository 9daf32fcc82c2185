#include "app/planning.hpp"

#include "app/pivot_values.hpp"
#include "config/planning_rules.hpp"
#include "config/render.hpp"
#include "engine/error/error_json.hpp"
#include "engine/plan/make_context.hpp"
#include "engine/secrets/reveal.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace sluice::app {

result<std::map<std::string, std::string>> parse_set(const std::vector<std::string>& words) {
  std::map<std::string, std::string> values;
  for (const auto& word : words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      return user_error("bad_arguments", "--set must be name=value, found '" + word + "'",
                        "for example: --set day=2024-05-01");
    values[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return values;
}

std::string config_file(const std::string& given) {
  const auto* variable = std::getenv("SLUICE_CONFIG");
  return given.empty() && variable != nullptr ? std::string(variable) : given;
}

result<config::load_options> reading_options(const std::vector<std::string>& set, const std::string& config) {
  config::load_options given;
  SLUICE_ASSIGN(given.set, parse_set(set));
  const auto file = config_file(config);
  if (file.empty()) return given;
  SLUICE_ASSIGN(auto text, config::read_config(file));
  given.configs.push_back(std::move(text));
  return given;
}

namespace {

result<store::pipeline_state> state_of(const session& with, const std::string& pipeline) {
  SLUICE_ASSIGN(const auto records, with.open_store());
  return records->sources_of(pipeline);
}

}  // namespace

std::optional<planned_pipeline> plan_pipeline(const session& with, const planning_request& request, diagnostics& faults,
                                              std::shared_ptr<const config::document>& source) {
  const auto given = reading_options(request.set, request.config);
  if (!given.ok()) {
    faults.push_back(given.problem());
    return std::nullopt;
  }
  options params = options::object();
  for (const auto& [name, value] : given->set) params[name] = value;
  auto loaded = request.text.empty() ? config::load_pipeline(request.file, *given, faults, &source)
                                     : config::load_pipeline_text(request.text, request.file, *given, faults, &source);
  if (!loaded) return std::nullopt;
  if (request.rules && faults.empty()) request.rules(loaded->subscriptions);
  if (request.adapt && faults.empty()) {
    if (auto adapted = request.adapt(loaded->definition); !adapted.ok()) {
      faults.push_back(std::move(adapted).problem());
      return std::nullopt;
    }
  }
  if (faults.empty()) {
    if (auto found = find_pivot_values(with, request, loaded->definition); !found.ok()) {
      faults.push_back(std::move(found).problem());
      if (source) config::resolve_locations(*source, faults);
      return std::nullopt;
    }
  }
  // They belong to this run alone: another time would give others.
  for (const auto& [name, value] : loaded->computed) params[name] = value;
  std::error_code ignored;
  run_place place;
  place.run_id = request.run_id;
  place.base_folder = std::filesystem::current_path(ignored).string();
  place.spill_folder = with.options.spill_folder + "/" + request.run_id;
  auto context = make_run_context(loaded->definition, place);
  if (request.now) context->now_microseconds = *request.now;
  // Where nothing is to run, a pipeline is planned as far as possible.
  if (request.run_id.empty()) context->secret = optional_secrets();
  store::pipeline_state state;
  remembered_sources remembered{.state = nullptr, .fresh = request.fresh};
  if (request.remembers && uses_source_state(loaded->definition)) {
    auto found = state_of(with, loaded->definition.name);
    if (!found.ok()) {
      faults.push_back(std::move(found).problem());
      return std::nullopt;
    }
    state = std::move(*found);
    remembered.state = &state;
  }
  check_written_targets(loaded->definition, config::target_rules_of(*loaded->source), *context, faults);
  auto made = make_plan(std::move(loaded->definition), *context, faults, remembered);
  if (source) config::resolve_locations(*source, faults);
  if (!made || !faults.empty()) return std::nullopt;
  if (source) config::resolve_locations(*source, made->warnings);
  return planned_pipeline{source,
                          std::make_shared<const plan>(std::move(*made)),
                          std::move(context),
                          std::move(params),
                          remembered.state != nullptr ? std::optional(state.version) : std::nullopt,
                          std::move(loaded->subscriptions)};
}

void report_faults(session& with, const diagnostics& faults, const config::document* source, const std::string& word) {
  for (const auto& fault : faults) {
    if (with.options.json) {
      const options line = {{word, to_json(fault)}};
      with.terminal.note_as_it_is(line.dump() + "\n");
    } else {
      auto text = config::render(fault, source, with.terminal.color_err(), word, with.terminal.err_width());
      if (!text.ends_with('\n')) text += '\n';
      with.terminal.note(text);
    }
  }
}

int exit_code_of(const diagnostics& faults) {
  const bool ours =
      std::any_of(faults.begin(), faults.end(), [](const error& each) { return each.to_blame == blame::internal; });
  return ours ? exit_failed : exit_unusable;
}

positional_spec file_argument(std::string& into) {
  return {.name = "FILE", .help = "the pipeline, - for stdin", .target = &into, .offers = completes::file};
}

option_spec set_option(std::vector<std::string>& into) {
  return {.names = {"--set"}, .value = "NAME=VALUE", .help = "value of a param; can be repeated", .target = &into};
}

option_spec config_option(std::string& into) {
  return {.names = {"--config"},
          .value = "FILE",
          .help = "file with connections, which win over the pipeline's own (SLUICE_CONFIG)",
          .target = &into,
          .offers = completes::file};
}

option_spec from_option(std::string& into) {
  return {.names = {"--from"},
          .value = "SAVEPOINT",
          .help = "continue after this savepoint (RUN@NUMBER), not after the last checkpoint",
          .target = &into};
}

option_spec again_option(bool& into) {
  return {.names = {"--again"},
          .value = {},
          .help = "with --from: also where sinks get rows again that they have",
          .target = &into};
}

option_spec drop_state_option(std::vector<std::string>& into) {
  return {.names = {"--drop-state"},
          .value = "UNIT",
          .help = "forget the position or state of a unit; can be repeated",
          .target = &into};
}

}  // namespace sluice::app
