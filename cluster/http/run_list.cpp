#include "cluster/http/run_list.hpp"

#include <algorithm>

namespace sluice::cluster {

namespace {

/// Runs that a search looks at, from the newest on.
constexpr std::int64_t most_searched = 20'000;

std::string lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

bool matches(const store::run_record& run, const std::string& search) {
  const auto holds = [&](const std::string& text) { return lower(text).find(search) != std::string::npos; };
  return run.id.starts_with(search) || holds(run.pipeline) || holds(run.owner) ||
         std::any_of(run.tags.begin(), run.tags.end(), holds);
}

std::uint64_t sum_of(const options& summary, const std::string& role, const char* counter) {
  std::uint64_t sum = 0;
  const auto units = summary.find("units");
  if (units == summary.end()) return sum;
  for (const auto& unit : *units)
    if (unit.value("role", "") == role) sum += unit.value(counter, std::uint64_t{0});
  return sum;
}

}  // namespace

result<std::vector<store::run_record>> find_runs(store::store& in, store::run_query what, const std::string& search) {
  if (search.empty()) return in.runs(what);
  const auto wanted = static_cast<std::size_t>(what.limit);
  what.limit = most_searched;
  SLUICE_ASSIGN(auto found, in.runs(what));
  std::erase_if(found, [text = lower(search)](const auto& run) { return !matches(run, text); });
  if (found.size() > wanted) found.resize(wanted);
  return found;
}

options brief_run(const store::run_record& run) {
  options out = {{"id", run.id},           {"pipeline", run.pipeline},
                 {"owner", run.owner},     {"tags", run.tags},
                 {"created", run.created}, {"started", run.started},
                 {"ended", run.ended},     {"state", store::to_string(run.state)},
                 {"node", run.node}};
  if (run.cause.is_object())
    out["cause"] = {{"code", run.cause.value("code", "")}, {"message", run.cause.value("message", "")}};
  if (run.summary.is_object() && !run.summary.empty())
    out["rows"] = {{"read", sum_of(run.summary, "extract", "in")},
                   {"loaded", sum_of(run.summary, "load", "out")},
                   {"rejected", run.summary.value("rejected", std::uint64_t{0})}};
  return out;
}

}  // namespace sluice::cluster
