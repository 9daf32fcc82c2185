#include "cluster/http/run_list.hpp"

namespace sluice::cluster {

namespace {

/// Adds up a counter over the units of a role in a summary or a progress.
std::uint64_t sum_of(const options& of, const std::string& role, const char* counter) {
  std::uint64_t sum = 0;
  const auto units = of.find("units");
  if (units == of.end()) return sum;
  for (const auto& unit : *units)
    if (role.empty() || unit.value("role", "") == role) sum += unit.value(counter, std::uint64_t{0});
  return sum;
}

options rows_of(const options& of, std::uint64_t rejected) {
  return {{"read", sum_of(of, "extract", "in")}, {"loaded", sum_of(of, "load", "out")}, {"rejected", rejected}};
}

/// Of the sources together, as far as each of them knows: a run is as far as they are.
void add_progress(options& to, const options& progress) {
  to["rows"] = rows_of(progress, sum_of(progress, "", "rejected"));
  auto& shown = to["progress"];
  shown = {{"rows_per_second", sum_of(progress, "extract", "rows_per_second")}};
  if (progress.contains("left_seconds")) shown["left_seconds"] = progress["left_seconds"];
  double done = 0;
  int known = 0;
  int sources = 0;
  for (const auto& unit : progress["units"]) {
    if (unit.value("role", "") != "extract") continue;
    ++sources;
    if (unit.contains("done")) ++known;
    done += unit.value("done", 0.0);
  }
  if (sources > 0 && known == sources) shown["done"] = done / sources;
}

}  // namespace

options brief_run(const store::run_record& run, const options& progress) {
  options out = {{"id", run.id},           {"pipeline", run.pipeline},
                 {"owner", run.owner},     {"tags", run.tags},
                 {"created", run.created}, {"started", run.started},
                 {"ended", run.ended},     {"state", store::to_string(run.state)},
                 {"node", run.node}};
  if (run.cause.is_object())
    out["cause"] = {{"code", run.cause.value("code", "")}, {"message", run.cause.value("message", "")}};
  if (progress.is_object() && progress.contains("units"))
    add_progress(out, progress);
  else if (run.summary.is_object() && !run.summary.empty())
    out["rows"] = rows_of(run.summary, run.summary.value("rejected", std::uint64_t{0}));
  return out;
}

}  // namespace sluice::cluster
