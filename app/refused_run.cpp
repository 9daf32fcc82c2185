#include "app/refused_run.hpp"

#include "app/pending_notifications.hpp"
#include "config/pipeline_reader.hpp"
#include "engine/runs/refusal.hpp"
#include "engine/store/schedules.hpp"
#include "engine/store/subscription_log.hpp"

#include <algorithm>
#include <chrono>

namespace sluice::app {

namespace {

/// The event as it is in the log.
result<store::event> keep(store::store& in, const std::string& pipeline, const std::string& file,
                          const refused_run& of) {
  if (of.rules) SLUICE_TRY(store::deliveries_of(in).subscribe(pipeline, *of.rules));
  auto event = refusal_event(pipeline, {{"reason", "run"}, {"file", file}}, of.faults);
  // The outcome of no start: what remains of it are its events.
  SLUICE_ASSIGN(auto kept, store::schedules_of(in).settle({.events = {std::move(event)}}));
  return std::move(kept.front());
}

bool has_listener(store::store& in, const std::string& pipeline) {
  const auto all = store::deliveries_of(in).subscriptions();
  return all.ok() && std::any_of(all->begin(), all->end(), [&](const auto& one) {
           return !one.until && (one.pipeline == pipeline || one.pipeline == store::every_pipeline);
         });
}

}  // namespace

int refuse_and_tell(session& with, const run_command& what, const refused_run& of, int code) {
  const auto refuse = [&](const store::event* kept) {
    return refuse_run(with, what.file, of.faults, of.source.get(), code, kept);
  };
  // A folder that has no state gets none from a typing error.
  const bool wanted = with.has_store() || (of.rules && !of.rules->empty());
  if (!wanted || !concerns_pipeline(of.faults.front())) return refuse(nullptr);
  const auto store = with.open_store();
  if (!store.ok()) return refuse(nullptr);
  const auto pipeline = of.source ? config::pipeline_name(*of.source) : std::string();
  const auto kept = keep(**store, pipeline, what.file, of);
  if (!kept.ok()) {
    report(with, kept.problem());
    return refuse(nullptr);
  }
  refuse(kept->type == "pipeline.rejected" ? &*kept : nullptr);
  if (of.sends && has_listener(**store, pipeline))
    (void)send_pending(with, *store, {}, std::chrono::duration_cast<std::chrono::milliseconds>(what.notify_wait));
  return code;
}

}  // namespace sluice::app
