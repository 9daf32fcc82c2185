#include "engine/operators/windows/window_rule.hpp"

#include "engine/values/quantities.hpp"

#include <string>

namespace sluice::windows {

namespace {

constexpr auto path = "/aggregate/window";
/// A row is in one window for each step: more than these would be a slip.
constexpr std::int64_t most_windows_of_a_row = 10'000;

constexpr auto forms = "window: { tumble: 1m }, { hop: 5m, every: 1m } or { session: 10m }";

void add_fault(diagnostics& faults, const char* code, std::string message, std::string hint,
               const std::string& name = {}) {
  auto fault = user_error(code, std::move(message), std::move(hint));
  fault.path = name.empty() ? std::string(path) : path + ("/" + name);
  faults.push_back(std::move(fault));
}

/// Config has checked that it is a duration.
std::int64_t duration_of(const options& window, const char* name, diagnostics& faults) {
  const auto parsed = parse_duration(window[name].get<std::string>());
  if (!parsed.ok()) {
    add_fault(faults, parsed.problem().code.c_str(), parsed.problem().message, parsed.problem().hint, name);
    return 1;
  }
  return *parsed;
}

bool has(const options& window, const char* name) { return window.contains(name) && !window[name].is_null(); }

}  // namespace

field_spec window_spec() {
  return {
      .name = "window",
      .form = shape::object,
      .help = "groups rows by their event time too: `time:` of the source",
      .elements = {
          {.name = "tumble", .form = shape::duration, .help = "windows of this length, one after the other"},
          {.name = "hop", .form = shape::duration, .help = "windows of this length that overlap; needs `every`"},
          {.name = "every", .form = shape::duration, .help = "hop: how often a window begins"},
          {.name = "session", .form = shape::duration, .help = "windows that end after a silence of this length"},
          {.name = "allowed_lateness",
           .form = shape::duration,
           .help = "how long a complete window still takes late rows and is emitted again; needs mode: upsert below "
                   "(default: 0s)"}}};
}

std::optional<window_rule> read_window(const options& window, diagnostics& faults) {
  const auto before = faults.size();
  window_rule rule;
  const int kinds = has(window, "tumble") + has(window, "hop") + has(window, "session");
  if (kinds != 1) {
    add_fault(
        faults, "invalid_option",
        kinds == 0 ? "window needs tumble, hop or session" : "window can have only one of tumble, hop and session",
        forms);
    return {};
  }
  const auto* name = has(window, "tumble") ? "tumble" : has(window, "hop") ? "hop" : "session";
  rule.how = has(window, "tumble") ? window_rule::kind::tumble
             : has(window, "hop")  ? window_rule::kind::hop
                                   : window_rule::kind::session;
  rule.size = rule.every = duration_of(window, name, faults);
  if (rule.size <= 0) add_fault(faults, "invalid_option", std::string(name) + " must be longer than 0s", forms, name);
  const bool hops = rule.how == window_rule::kind::hop;
  if (hops != has(window, "every")) {
    add_fault(faults, "invalid_option",
              hops ? "hop needs every: how often a window begins" : "every can only be used with hop",
              hops ? "window: { hop: 5m, every: 1m }" : "remove it, or use window: { hop: 5m, every: 1m }");
  } else if (hops) {
    rule.every = duration_of(window, "every", faults);
    if (rule.every <= 0 || rule.every > rule.size)
      add_fault(faults, "invalid_option", "every must be longer than 0s, and not longer than hop",
                "window: { hop: 5m, every: 1m }; rows between two windows would be in none", "every");
    else if (rule.size / rule.every > most_windows_of_a_row)
      add_fault(faults, "invalid_option",
                "each row would be in " + std::to_string(rule.size / rule.every) + " windows; at most " +
                    std::to_string(most_windows_of_a_row) + " are allowed",
                "make every longer", "every");
  }
  if (has(window, "allowed_lateness")) rule.allowed_lateness = duration_of(window, "allowed_lateness", faults);
  if (faults.size() > before) return {};
  return rule;
}

}  // namespace sluice::windows
