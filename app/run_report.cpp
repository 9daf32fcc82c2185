#include "app/run_report.hpp"

#include "app/run_records.hpp"
#include "app/table.hpp"
#include "app/text.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

namespace sluice::app {

namespace {

std::uint64_t count(const options& of, const char* name) {
  const auto found = of.find(name);
  return found != of.end() && found->is_number() ? found->get<std::uint64_t>() : 0;
}

std::string text_of(const options& of, const char* name) {
  if (!of.is_object()) return {};
  const auto found = of.find(name);
  return found != of.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

const options& units_of(const options& summary) {
  static const options none = options::array();
  if (!summary.is_object()) return none;
  const auto found = summary.find("units");
  return found != summary.end() && found->is_array() ? *found : none;
}

constexpr std::array counters = {"in", "added", "out", "filtered", "merged", "rejected"};

/// The table of units, with these counters.
table unit_table(const options& summary, const std::vector<const char*>& shown) {
  std::vector<table::column> columns = {{.title = "unit", .shrink_to = 8}};
  for (const auto* counter : shown) columns.push_back({.title = counter, .right = true});
  table units(columns);
  for (const auto& unit : units_of(summary)) {
    std::vector<table::cell> row = {{text_of(unit, "unit")}};
    for (const auto* counter : shown) {
      const auto value = count(unit, counter);
      const bool rejected = std::string_view(counter) == "rejected" && value > 0;
      row.push_back({thousands(value), rejected ? style::yellow : value == 0 ? style::dim : style::plain});
    }
    units.add(std::move(row));
  }
  return units;
}

/// Where the terminal is too narrow for all counters, those that are zero everywhere are left out.
std::string unit_lines(const options& summary, int width, bool color, bool unicode) {
  std::vector<const char*> shown(counters.begin(), counters.end());
  auto units = unit_table(summary, shown);
  // A run that failed before any unit counted has nothing to show.
  const bool counted = std::any_of(units_of(summary).begin(), units_of(summary).end(),
                                   [](const options& unit) { return count(unit, "in") + count(unit, "out") > 0; });
  const auto state = text_of(summary, "state");
  if (units.empty() || (!counted && state != "succeeded" && state != "partial")) return {};
  if (units.width() > width) {
    std::erase_if(shown, [&](const char* counter) {
      const std::string_view name = counter;
      return name != "in" && name != "out" &&
             std::all_of(units_of(summary).begin(), units_of(summary).end(),
                         [&](const options& unit) { return count(unit, counter) == 0; });
    });
    units = unit_table(summary, shown);
  }
  return units.render(width, color, unicode);
}

std::string target_lines(const options& summary, bool color) {
  std::string text;
  std::error_code ignored;
  const auto here = std::filesystem::current_path(ignored).string();
  for (const auto& unit : units_of(summary)) {
    auto target = text_of(unit, "target");
    if (target.empty()) continue;
    // Paths below the command's folder are shown as the pipeline has them.
    if (target.starts_with(here + "/")) target.erase(0, here.size() + 1);
    text += paint(text.empty() ? "loaded   " : "         ", style::bold, color) + printable(target) + "  " +
            thousands(count(unit, "out")) + " rows";
    if (const auto bytes = count(unit, "bytes"); bytes > 0) text += ", " + bytes_text(bytes);
    text += "\n";
  }
  return text;
}

/// Values that on_error: set_null replaced are warnings: the rows are there, but not as they came.
std::string set_null_lines(const options& summary, bool color) {
  std::string text;
  for (const auto& unit : units_of(summary))
    if (const auto values = count(unit, "set_null"); values > 0)
      text += paint("warning  ", style::yellow, color) + thousands(values) + (values == 1 ? " value" : " values") +
              " of unit " + text_of(unit, "unit") + " replaced with null (on_error: set_null)\n";
  return text;
}

/// How many rules hold, and each that is broken.
std::string rule_lines(const options& summary, bool color) {
  std::uint64_t all = 0, hold = 0;
  std::string broken;
  for (const auto& unit : units_of(summary)) {
    const auto rules = unit.find("rules");
    if (rules == unit.end() || !rules->is_array()) continue;
    for (const auto& rule : *rules) {
      ++all;
      const auto rows = count(rule, "broken");
      const auto outcome = text_of(rule, "outcome");
      if (rows == 0) ++hold;
      if (rows == 0) continue;
      const auto how = outcome == "failed" ? style::red : outcome == "warned" ? style::yellow : style::plain;
      broken += paint(outcome == "failed"   ? "failed   "
                      : outcome == "warned" ? "warning  "
                                            : "         ",
                      how, color) +
                "rule " + text_of(rule, "rule") + " of unit " + text_of(unit, "unit") + ": " + thousands(rows) +
                " of " + thousands(count(rule, "checked")) + " rows";
      if (const auto allowed = text_of(rule, "allowed"); !allowed.empty()) broken += ", allowed " + allowed;
      broken += " (severity: " + text_of(rule, "action") + ")";
      if (const auto message = text_of(rule, "message"); !message.empty()) broken += ": " + printable(message);
      broken += "\n";
    }
  }
  if (all == 0) return {};
  return paint("rules    ", style::bold, color) + thousands(hold) + " of " + thousands(all) +
         (all == 1 ? " rule holds\n" : " rules hold\n") + broken;
}

std::string headline(const report_facts& facts, int width, bool color) {
  std::string rest;
  if (const auto duration = facts.summary.is_object() ? count(facts.summary, "duration_microseconds") : 0; duration > 0)
    rest += "  in " + duration_text(static_cast<double>(duration) / 1e6);
  if (facts.peak_memory > 0) rest += ", peak memory " + bytes_text(facts.peak_memory);
  const auto used = display_width(facts.state) + 2 + display_width(facts.pipeline) + display_width(rest) + 6;
  const auto run = used + display_width(facts.run) > width ? short_id(facts.run) : facts.run;
  return paint(facts.state, state_style(facts.state), color) + "  " + paint(facts.pipeline, style::bold, color) + rest +
         paint("  run " + run, style::dim, color) + "\n";
}

/// The balance on one line, or on two where the terminal is narrow.
std::string balance_lines(const options& summary, int width, bool color) {
  const auto balanced = summary.find("balanced");
  const bool ok = balanced != summary.end() && balanced->is_boolean() && balanced->get<bool>();
  auto equation = balance_text(summary);
  if (display_width(equation) + 14 > width) equation.replace(equation.find(" = "), 1, "\n         ");
  return paint("balance  ", style::bold, color) + equation + "  " +
         paint(ok ? "ok" : "does not add up", ok ? style::green : style::red, color) + "\n";
}

std::string cause_lines(const options& cause, bool color) {
  if (!cause.is_object()) return {};
  std::string text = paint("error[" + text_of(cause, "code") + "]", style::red, color);
  if (const auto where = text_of(cause, "where"); !where.empty()) text += " " + printable(where);
  text += ": " + text_of(cause, "message") + "\n";
  if (const auto hint = text_of(cause, "hint"); !hint.empty())
    text += paint("  hint: ", style::cyan, color) + hint + "\n";
  return text;
}

}  // namespace

style state_style(const std::string& state) {
  if (state == "succeeded") return style::green;
  if (state == "failed") return style::red;
  if (state == "partial" || state == "cancelled") return style::yellow;
  return style::cyan;
}

std::string balance_text(const options& summary) {
  std::uint64_t read = 0, loaded = 0, added = 0, filtered = 0, merged = 0, rejected = 0, taken = 0, passed = 0;
  for (const auto& unit : units_of(summary)) {
    const auto role = text_of(unit, "role");
    (role == "extract" ? read : taken) += count(unit, "in");
    (role == "load" ? loaded : passed) += count(unit, "out");
    added += count(unit, "added");
    filtered += count(unit, "filtered");
    merged += count(unit, "merged");
    rejected += count(unit, "rejected");
  }
  std::string left = thousands(read) + " read";
  std::string right = thousands(loaded) + " loaded";
  const auto term = [](std::string& side, std::uint64_t value, const char* name) {
    if (value > 0) side += " + " + thousands(value) + " " + name;
  };
  // A port that several units read counts once where it leaves and once for each that takes it.
  term(left, added, "added");
  term(left, taken > passed ? taken - passed : 0, "copied");
  term(right, filtered, "filtered");
  term(right, merged, "merged");
  term(right, rejected, "rejected");
  term(right, passed > taken ? passed - taken : 0, "not needed");
  return left + " = " + right;
}

std::string run_report(const report_facts& facts, int width, bool color, bool unicode) {
  std::string text = headline(facts, width, color);
  text += cause_lines(facts.cause, color);
  if (const auto units = unit_lines(facts.summary, width, color, unicode); !units.empty()) text += "\n" + units + "\n";
  const bool ended_well = facts.state == "succeeded" || facts.state == "partial";
  if (ended_well) {
    text += balance_lines(facts.summary, width, color);
    text += target_lines(facts.summary, color);
  }
  text += rule_lines(facts.summary, color);
  text += set_null_lines(facts.summary, color);
  if (const auto rejected = facts.summary.is_object() ? count(facts.summary, "rejected") : 0; rejected > 0) {
    text += paint("rejects  ", style::bold, color) + paint(thousands(rejected), style::yellow, color) +
            (rejected == 1 ? " record" : " records");
    text += ", to see them: " + paint("sluice rejects " + facts.pipeline, style::bold, color) + "\n";
    if (const auto path = text_of(facts.summary, "rejects_path"); !path.empty())
      text += paint("         " + path + "\n", style::dim, color);
  }
  return text;
}

}  // namespace sluice::app
