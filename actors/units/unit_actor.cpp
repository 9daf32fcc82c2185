#include "actors/units/unit_actor.hpp"

#include "actors/run/rejects_batch.hpp"
#include "engine/component/opaque.hpp"
#include "engine/flow/streams.hpp"
#include "engine/memory/manager.hpp"
#include "engine/secrets/mask.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <chrono>

namespace sluice::actors {

namespace {

constexpr std::uint64_t failed_row = 0;  ///< no ticket of the rejects desk
using flow::streams_of_unit;
constexpr auto most_looking = std::chrono::seconds(2);

}  // namespace

unit_actor::unit_actor(caf::actor_config& config, std::shared_ptr<const run_setup> setup, flow::instance_id who,
                       const node_services& services)
    : caf::event_based_actor(config), setup_(std::move(setup)), who_(who), calls_(this, services.io), rejects_(this) {}

caf::behavior unit_actor::make_behavior() {
  set_down_handler([this](const caf::down_msg& gone) { supervisor_lost(gone); });
  auto common = caf::message_handler{
      [this](wiring& links) { wire(links); },
      [this](begin_work) { begin_or_tell_again(); },
      [this](const actors::follow& message) { follow_other(message); },
      [this](data_message& message) { take(message); },
      [this](const credit& message) { take_credit(message); },
      [this](const stop_sending& message) {
        if (!outbox_) return;
        outbox_->stopped(message.channel);
        note_held_back();
        if (working_ && outbox_->unwanted() && !stopped_early_) {
          stopped_early_ = true;
          stop_early();
        }
        if (working_) work();
      },
      [this](rejects_located& answer) {
        if (answer.ticket == failed_row) return name_row(answer.rows.front());
        rejects_.located(answer);
        if (working_) work();
      },
      [this](const rejects_stored& answer) {
        rejects_.stored(answer.ticket);
        if (working_) work();
      },
      [this](report_progress) -> caf::result<instance_progress> { return progress(); },
      [this](abandon message) {
        if (!obeys() || (message.orphaned && keeps_prepared())) return;
        working_ = false;
        calls_.forget();
        give_up();
      },
      [this](const actors::leave&) {
        if (obeys()) quit();
      },
      resume_calls(),
  };
  return common.or_else(own_messages());
}

instance_progress unit_actor::progress() const {
  instance_progress made{.who = who_, .counters = counted(), .held_back = held_back_.total(now())};
  made.starved = working_ && inbox_ && !links_.inputs.empty() && inbox_->empty() && outbox_->clear();
  if (auto state = down()) {
    made.down = secrets::mask(std::move(state->why));
    made.down_since = state->since;
  }
  return made;
}

void unit_actor::on_exit() {
  let_go();
  links_ = {};
  rejects_.close();
  inbox_.reset();
  outbox_.reset();
}

bool unit_actor::obeys() {
  return current_sender() == nullptr || current_sender()->address() == links_.supervisor.address();
}

void unit_actor::begin_or_tell_again() {
  if (!obeys()) return;
  if (!std::exchange(begun_, true)) {
    working_ = true;
    return begin();
  }
  instance_stands here{.who = who_, .rejected = rejected_before_};
  stand(here);
  send(links_.supervisor, here);
  if (failed_of_) return send(links_.supervisor, instance_failed{who_, *failed_of_});
  if (told_started_) send(links_.supervisor, instance_started{who_});
  tell_more_again();
  if (prepared_) send(links_.supervisor, *prepared_);
  if (last_word_) send(links_.supervisor, *last_word_);
}

void unit_actor::follow_other(const actors::follow& message) {
  demonitor(links_.supervisor.address());
  links_.supervisor = message.supervisor;
  links_.rejects = message.rejects;
  monitor(links_.supervisor);
  rejected_before_ = counters_.rejected - rejects_.on_the_way();
  rejects_.follow(message.rejects);
}

/// Nobody waits for this unit any more. If the supervisor was on another node, this one decides what becomes of it.
void unit_actor::supervisor_lost(const caf::down_msg& gone) {
  if (gone.source != links_.supervisor.address() || gone.source.node() != node()) return;
  if (working_ && !keeps_prepared()) give_up();
  quit();
}

void unit_actor::wire(wiring& links) {
  links_ = std::move(links);
  monitor(links_.supervisor);
  std::vector<channel_id> in;
  std::vector<channel_id> out;
  for (const auto& link : links_.inputs) in.push_back(link.channel);
  for (const auto& link : links_.outputs) out.push_back(link.channel);
  const auto& memory = setup_->context->memory;
  inbox_ = std::make_unique<flow::inbox>(*setup_->what, who_, in, memory);
  const auto limits =
      flow::share_credit(setup_->credit, memory->queue_limit(), flow::channels_of(*setup_->what).size());
  outbox_ = std::make_unique<flow::outbox>(
      *setup_->what, who_, out, limits,
      [this](const channel_id& channel, wire::payload body) {
        const auto link = std::find_if(links_.outputs.begin(), links_.outputs.end(),
                                       [&](const auto& candidate) { return candidate.channel == channel; });
        send(link->to, data_message{channel, std::move(body)});
      },
      memory);
  if (const auto gone_on = go_on_behind(); !gone_on.ok()) return fail(gone_on.problem());
  rejects_.open(links_, [this](const std::vector<rejected_row>& rows) { emit_rejects(rows); });
}

/// Where the other run's instance stood.
status unit_actor::go_on_behind() {
  if (!setup_->resume) return {};
  restored_ = setup_->resume->snapshot.find(who_);
  if (restored_ == nullptr) return {};
  counters_ = restored_->report.counters;
  skipped_before_ = counters_.skipped;
  stopped_early_ = restored_->report.stopped_early;
  outbox_->go_on(restored_->report);
  if (setup_->resume->afresh.contains(who_.unit)) {
    inbox_->count_on(restored_->report.received);
    restored_ = nullptr;
    return {};
  }
  // Of an edited pipeline: those around it begin afresh. Of a unit that was scaled: it numbers afresh.
  if (restored_->streams.empty()) {
    inbox_->count_on(restored_->report.received);
    return {};
  }
  opaque_reader from(restored_->streams, streams_of_unit);
  const auto places = from.text();
  restored_streams_ = from.text();
  SLUICE_TRY(from.done("where the streams of a unit stood"));
  return inbox_->go_on(places, restored_->report.received);
}

flow::instance_snapshot unit_actor::snapshot(const flow::inbox::aligned_barrier& at, const std::string& streams) const {
  flow::instance_snapshot here;
  here.report.who = who_;
  here.report.counters = counted();
  here.report.stopped_early = stopped_early_;
  outbox_->fill(here.report);
  here.report.received = at.received;
  here.streams = opaque_writer(streams_of_unit).text(at.places).text(streams).take();
  return here;
}

void unit_actor::take(data_message& message) {
  if (!inbox_) return;
  std::vector<flow::due_credit> due;
  const auto taken = inbox_->take(message.channel, std::move(message.body), due);
  give_credit(due);
  if (!taken.ok()) return fail(taken.problem());
  if (working_) work();
}

void unit_actor::take_credit(const credit& message) {
  if (!outbox_) return;
  const auto taken = outbox_->credited(message.channel, message.rows, message.markers);
  note_held_back();
  if (!taken.ok()) return fail(taken.problem());
  if (working_) work();
}

void unit_actor::started() {
  if (!std::exchange(told_started_, true)) send(links_.supervisor, instance_started{who_});
}

void unit_actor::finish_when_passed_on() {
  if (finished_) return;
  rejects_.send();
  if (!rejects_.idle()) return;
  outbox_->end();
  if (!outbox_->ended()) return;
  // It may be told that nothing is wanted of it before it is open.
  started();
  finished_ = true;
  instance_finished last;
  last.report.who = who_;
  counters_.skipped = inbox_->dropped() + skipped_before_;
  last.report.counters = counted();
  last.report.stopped_early = stopped_early_;
  outbox_->fill(last.report);
  inbox_->fill(last.report);
  last.target = secrets::mask(target_);
  last.reached = reached();
  last.token = token_;
  last.rows = token_rows_;
  last.splits = std::move(ended_splits_);
  last.streams = opaque_writer(streams_of_unit).text(inbox_->barrier_here(0).places).text("").take();
  last.state = kept_state_;
  last.held = kept_rows_;
  last.has_watermark = passed_time_.has_value();
  last.watermark = passed_time_.value_or(0);
  last_word_ = last;
  send(links_.supervisor, std::move(last));
}

void unit_actor::tell_prepared(epoch_prepared what) {
  prepared_ = what;
  send(links_.supervisor, std::move(what));
}

void unit_actor::tell_prepared_again() {
  if (prepared_) send(links_.supervisor, *prepared_);
}

void unit_actor::fail(error why) {
  if (!working_ && finished_) return;
  working_ = false;
  tell_failure(std::move(why));
}

void unit_actor::tell_failure(error why) {
  if (why.where.empty()) why.where = "unit " + unit().definition.name;
  if (!why.path.empty() || why.to_blame == blame::user) why.path = unit_path(unit().definition) + why.path;
  secrets::mask(why);  // here, because another node need not know this one's secrets
  failed_of_ = why;
  send(links_.supervisor, instance_failed{who_, std::move(why)});
}

void unit_actor::fail_at(error why, rejected_row row) {
  const auto source = row.position.source;
  const bool known = row.position != position::unknown && source < links_.enumerators.size();
  failure_ = std::move(why);
  if (!known || !links_.enumerators[source]) return name_row(row);
  working_ = false;
  send(links_.enumerators[source], locate_rejects{failed_row, {row}});
  // A disk that hangs keeps nobody from hearing of the failure.
  delayed_send(this, most_looking, continuation{[this, row = std::move(row)] { name_row(row); }});
}

void unit_actor::name_row(const rejected_row& row) {
  if (!failure_) return;
  auto why = std::move(*failure_);
  failure_.reset();
  constexpr std::size_t most_shown = 300;
  const auto whole = secrets::mask(row.record);
  auto record = whole.substr(0, most_shown) + (whole.size() > most_shown ? "..." : "");
  why.message += "; the row: " + record;
  if (!row.file.empty()) why.message = row.file + " line " + std::to_string(row.line) + ": " + why.message;
  fail(std::move(why));
}

void unit_actor::abandon_done() { send(links_.supervisor, abandoned{who_}); }

void unit_actor::emit(int port, const batch& rows) {
  const auto sent = outbox_->emit(port, rows);
  note_held_back();
  if (!sent.ok()) fail(sent.problem());
}

void unit_actor::note_held_back() {
  if (const bool waits = !outbox_->clear(); waits != held_back_.held_back()) held_back_.set(waits, now());
}

std::int64_t unit_actor::now() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(clock().now().time_since_epoch()).count();
}

void unit_actor::give_credit(const std::vector<flow::due_credit>& due) {
  for (const auto& one : due) {
    const auto link = std::find_if(links_.inputs.begin(), links_.inputs.end(),
                                   [&](const auto& candidate) { return candidate.channel == one.channel; });
    if (link != links_.inputs.end()) send(link->from, credit{one.channel, one.rows, one.markers});
  }
}

void unit_actor::stop_upstream() {
  for (const auto& link : links_.inputs) send(link.from, stop_sending{link.channel});
}

void unit_actor::emit_rejects(const std::vector<rejected_row>& rows) {
  const auto port = unit().rejects_port;
  if (!port || !outbox_) return;
  auto made = rejects_batch(rows, unit().outputs[static_cast<std::size_t>(*port)].schema, setup_->run);
  if (!made.ok()) return fail(made.problem());
  emit(*port, made.value());
}

}  // namespace sluice::actors
