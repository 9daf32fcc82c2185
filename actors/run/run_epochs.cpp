#include "actors/run/run_epochs.hpp"

#include "actors/run/checkpoint_files.hpp"
#include "engine/component/grows_in_place.hpp"
#include "engine/runs/next_part.hpp"
#include "engine/runs/proof.hpp"

#include <caf/all.hpp>

#include <filesystem>

namespace sluice::actors {

using store::run_state;

run_epochs::run_epochs(caf::event_based_actor* self, const supervisor_settings& with, parts of, callbacks calls)
    : self_(self),
      setup_(with.setup),
      store_(with.store),
      plan_(*with.setup->what),
      of_(of),
      calls_(std::move(calls)),
      decision_(self, with.services, with.store, of.told, *with.setup,
                {.taken = [this] { commit(); },
                 .not_taken = [this](error why) { calls_.not_taken(std::move(why)); },
                 .undone = [this](error why) { calls_.undone(std::move(why)); }}),
      committer_(self, with.services.io, with.setup,
                 {.tell = [this](const auto& who, const commit_load& what) { tell_to_commit(who, what); },
                  .done = [this] { committed_all(); },
                  .refused =
                      [this](error why) {
                        if (of_.states.refuse(std::move(why))) calls_.ended(run_state::failed);
                      },
                  .unfinished = [this](error why) { calls_.undone(std::move(why)); }}),
      checkpoints_(self, *with.setup,
                   {.tell = [this](const auto& who, const caf::message& what) { tell(who, what); },
                    .collected = [this](auto what, auto why) { collected(std::move(what), why); }}),
      recent_(plan_.definition.rejects,
              setup_->resume ? setup_->resume->snapshot.recent_rejects : std::vector<flow::rejects_sample>()),
      recent_before_(recent_.reached()),
      begun_(self->clock().now()),
      io_(self, with.services.io) {
  if (setup_->resume) completed_ = setup_->resume->epoch;
  if (setup_->resume)
    for (const auto& one : setup_->resume->held) held_.emplace_back(instance_of(one), one);
}

void run_epochs::close() {
  committer_.close();
  decision_.close();
  checkpoints_.stop();
  calls_ = {};
  setup_ = nullptr;
}

void run_epochs::discovered(const splits_discovered& message) {
  if (!message.inputs.empty()) inputs_[plan_.units[message.unit].definition.name] = message.inputs;
}

bool run_epochs::judge_rejects() {
  const auto rejected = of_.account.rejected();
  const auto read = of_.account.read();
  // A run that is to go on for ever is judged by what has come lately.
  if (plan_.endless()) {
    const auto age = std::chrono::duration_cast<std::chrono::microseconds>(self_->clock().now() - begun_).count();
    recent_.add({.time = recent_before_ + age, .rejected = rejected, .read = read});
  }
  auto verdict = plan_.endless() ? recent_.judge() : flow::judge_rejects(plan_.definition.rejects, rejected, read);
  if (verdict.cause) return calls_.failed(std::move(*verdict.cause)), false;
  good_end_ = verdict.state;
  return true;
}

void run_epochs::warn_of_rejects(std::vector<store::event>& told) const {
  if (!plan_.endless() || !recent_.exceeds_now()) return;
  const auto& rule = plan_.definition.rejects;
  options data = {{"rejected", recent_.rejected()},
                  {"read", recent_.read()},
                  {"allow", rule.allow},
                  {"per_microseconds", recent_.per()}};
  if (rule.fail_above) data["fail_above"] = *rule.fail_above;
  told.push_back({.run = setup_->run, .type = "run.warned", .data = std::move(data)});
}

// -- a checkpoint

void run_epochs::tell(const flow::instance_id& who, const caf::message& what) {
  if (auto* const one = of_.instances.find(who); one != nullptr && !one->gone) self_->send(one->handle, what);
}

void run_epochs::collected(flow::epoch_round::collected what, checkpoints::wish why) {
  if (of_.states.ending()) return;
  gathered_ = std::move(what);
  why_ = why;
  if (proof::planted(proof::bug::acknowledged_too_early)) {
    upto_ = gathered_.snapshot.sources;
    acknowledge();
  }
  calls_.sync_rejects(gathered_.epoch);
}

void run_epochs::synced(const rejects_synced& rejects) {
  if (of_.states.ending() || rejects.epoch != gathered_.epoch) return;
  auto& snapshot = gathered_.snapshot;
  snapshot.rejects_rows = rejects.rows;
  snapshot.rejects_bytes = rejects.bytes;
  snapshot.inputs = inputs_;
  if (rejects.rows > 0) of_.account.rejects_written(setup_->rejects_path);
  if (const auto balanced = of_.account.at_checkpoint(snapshot); !balanced.ok())
    return calls_.failed(balanced.problem());
  if (!judge_rejects()) return;
  snapshot.recent_rejects = recent_.samples();
  epoch_ = {.number = gathered_.epoch, .due = {}, .held = held_behind(gathered_.prepared), .last = why_.last};
  for (const auto& [who, one] : gathered_.prepared)
    (plan_.commits_each(who.unit) ? epoch_.due : epoch_.held).emplace_back(who, one);
  const auto event_of = [&](std::string type, options data) {
    return store::event{.run = setup_->run, .type = std::move(type), .data = std::move(data)};
  };
  std::vector<store::event> events;
  events.push_back(event_of("checkpoint.completed", checkpoint_summary(gathered_, why_.savepoint)));
  if (why_.last) events.push_back(event_of("run.drained", {{"epoch", gathered_.epoch}}));
  warn_of_rejects(events);
  upto_ = snapshot.sources;
  take({.epoch = static_cast<std::int64_t>(gathered_.epoch),
        .end = why_.last ? store::to_string(good_end_) : "",
        .sinks = sinks_in(epoch_.due),
        .held = sinks_in(epoch_.held),
        .sources = {},
        .snapshot = flow::to_json(snapshot),
        .savepoint = why_.savepoint},
       std::move(events));
}

/// Earlier epochs that are still to be committed: all but those that one of these holds as well.
std::vector<committer::prepared> run_epochs::held_behind(const std::vector<committer::prepared>& now) const {
  auto held = held_;
  for (const auto& one : now)
    if (holds_earlier(one.second.token))
      std::erase_if(held, [&](const auto& earlier) { return earlier.first == one.first; });
  return held;
}

// -- the end

void run_epochs::decide(std::vector<store::event> events) {
  warn_of_rejects(events);
  auto last = checkpoints_.take_last();
  upto_ = last.snapshot.sources;
  epoch_ = {.number = last.epoch, .due = held_behind(last.prepared), .held = {}, .last = true};
  epoch_.due.insert(epoch_.due.end(), last.prepared.begin(), last.prepared.end());
  take({.epoch = static_cast<std::int64_t>(last.epoch),
        .end = store::to_string(good_end_),
        .sinks = sinks_in(epoch_.due),
        .sources = of_.memory.taken(),
        .snapshot = plan_.goes_on() ? flow::to_json(next_part(plan_, last.snapshot)) : options()},
       std::move(events));
}

// -- both

void run_epochs::take(store::manifest what, std::vector<store::event> events) {
  of_.states.commit_begun();
  const auto state = epoch_.last ? std::optional(run_state::committing) : std::nullopt;
  auto summary = to_options(calls_.outcome(epoch_.last ? good_end_ : of_.states.now()));
  of_.account.rules().add_to(summary);
  decision_.take(std::move(what), state, std::move(summary), std::move(events));
}

void run_epochs::commit() {
  if (epoch_.last) (void)of_.states.advance(run_state::committing);
  if (!epoch_.last) held_ = std::exchange(epoch_.held, {});
  if (epoch_.due.empty() && !epoch_.last) return decision_.settle(false, [this] { epoch_done(); });
  committer_.begin(epoch_.due, epoch_.last);
}

void run_epochs::committed_all() {
  epoch_.last ? calls_.ended(good_end_) : decision_.settle(true, [this] { epoch_done(); });
}

void run_epochs::tell_to_commit(const flow::instance_id& who, const commit_load& what) {
  const auto& one = of_.instances[who];
  if (one.gone) {
    committer_.failed(who, unit_died(plan_, one, "it ended before it could publish"));
    return;
  }
  self_->send(one.handle, what);
}

/// It is complete, and visible where it is to be.
void run_epochs::epoch_done() {
  proof::enter(proof::phase::reading);
  of_.states.commit_undone();
  completed_ = epoch_.number;
  if (held_.empty()) acknowledge();
  forget_old_checkpoints();
  calls_.settled();
}

void run_epochs::acknowledge() {
  for (const auto& [who, one] : of_.instances) {
    if (who.instance != flow::instance_id::enumerator || one.gone) continue;
    epoch_committed what{.epoch = epoch_.number};
    for (const auto& [id, split] : upto_[plan_.units[who.unit].definition.name]) what.upto.push_back(split);
    self_->send(one.handle, std::move(what));
  }
}

/// Files of checkpoints that the Store does not keep.
void run_epochs::forget_old_checkpoints() {
  const auto oldest = static_cast<std::int64_t>(epoch_.number) - store::kept_checkpoints;
  if (oldest < 1 || setup_->checkpoint_folder.empty()) return;
  io_.call([store = store_, run = setup_->run, folder = setup_->checkpoint_folder,
            oldest] { return remove_old_states(*store, run, folder, oldest); },
           [](int) {});
}

void run_epochs::forget_checkpoints() {
  if (plan_.endless() || plan_.goes_on() || !plan_.checkpoint_interval() || setup_->checkpoint_folder.empty()) return;
  io_.post([folder = setup_->checkpoint_folder] {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  });
}

flow::instance_id run_epochs::instance_of(const store::prepared_sink& what) const {
  return {static_cast<std::uint32_t>(plan_.find(what.unit).value_or(0)), what.instance};
}

std::vector<store::prepared_sink> run_epochs::sinks_in(const std::vector<committer::prepared>& list) {
  std::vector<store::prepared_sink> sinks;
  sinks.reserve(list.size());
  for (const auto& [who, one] : list) sinks.push_back(one);
  return sinks;
}

error unit_died(const plan& of, const known_instance& one, const std::string& how) {
  const auto& name = of.units[one.who.unit].definition.name;
  auto why = internal_error("unit_died", "unit " + name + " ended unexpectedly" +
                                             (one.node.empty() ? "" : " on node " + one.node) + ": " + how);
  why.where = "unit " + name;
  return why;
}

}  // namespace sluice::actors
