#include "cluster/http/metrics_text.hpp"

#include <fmt/format.h>

#include <functional>

namespace sluice::cluster {

namespace {

void begin(std::string& out, const std::string& name, const char* type, const char* help) {
  out += "# HELP " + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
}

std::string seconds(std::int64_t microseconds) {
  return fmt::format("{:.6f}", static_cast<double>(microseconds) / 1e6);
}

/// One line a pipeline; those for which `value` is empty are left out.
void add(std::string& out, const store::store_totals& all, const std::string& name, const char* type, const char* help,
         const std::function<std::string(const store::pipeline_totals&)>& value) {
  begin(out, name, type, help);
  for (const auto& one : all.pipelines)
    if (const auto text = value(one); !text.empty())
      out += fmt::format("{}{{pipeline=\"{}\"}} {}\n", name, one.pipeline, text);
}

}  // namespace

std::string totals_text(const store::store_totals& all) {
  using store::pipeline_totals;
  std::string out;
  begin(out, "sluice_runs", "gauge", "Runs in the state database, by state.");
  for (const auto& [state, count] : all.runs)
    out += "sluice_runs{state=\"" + state + "\"} " + std::to_string(count) + "\n";
  begin(out, "sluice_commits_due", "gauge", "Runs whose outputs are complete, but not all visible yet.");
  out += "sluice_commits_due " + std::to_string(all.due_commits) + "\n";
  begin(out, "sluice_pipeline_runs_total", "counter", "Ended runs of a pipeline, by final state.");
  for (const auto& one : all.pipelines)
    for (const auto& [state, count] : one.ended)
      out += "sluice_pipeline_runs_total{pipeline=\"" + one.pipeline + "\",state=\"" + state + "\"} " +
             std::to_string(count) + "\n";
  add(out, all, "sluice_pipeline_last_success_timestamp_seconds", "gauge",
      "Time when a run of the pipeline last ended as succeeded or partial.",
      [](const pipeline_totals& one) { return one.last_success == 0 ? std::string() : seconds(one.last_success); });
  add(out, all, "sluice_pipeline_last_end_timestamp_seconds", "gauge", "Time when a run of the pipeline last ended.",
      [](const pipeline_totals& one) { return seconds(one.last_end); });
  add(out, all, "sluice_pipeline_last_duration_seconds", "gauge", "Duration of the run that ended last.",
      [](const pipeline_totals& one) { return seconds(one.last_duration); });
  add(out, all, "sluice_pipeline_duration_seconds_total", "counter", "Total duration of all ended runs.",
      [](const pipeline_totals& one) { return seconds(one.duration); });
  add(out, all, "sluice_pipeline_rows_read_total", "counter", "Rows read by the sources of ended runs.",
      [](const pipeline_totals& one) { return std::to_string(one.rows_in); });
  add(out, all, "sluice_pipeline_rows_loaded_total", "counter", "Rows published by ended runs.",
      [](const pipeline_totals& one) { return std::to_string(one.rows_out); });
  add(out, all, "sluice_pipeline_rows_rejected_total", "counter", "Rows rejected by ended runs.",
      [](const pipeline_totals& one) { return std::to_string(one.rejected); });
  add(out, all, "sluice_pipeline_bytes_read_total", "counter", "Bytes read by the sources of ended runs.",
      [](const pipeline_totals& one) { return std::to_string(one.bytes_in); });
  add(out, all, "sluice_pipeline_bytes_loaded_total", "counter", "Bytes written by the sinks of ended runs.",
      [](const pipeline_totals& one) { return std::to_string(one.bytes_out); });
  return out;
}

}  // namespace sluice::cluster
