#include "actors/units/load_unit.hpp"

#include "actors/run/rejects_batch.hpp"
#include "actors/run/rule_messages.hpp"
#include "actors/units/guarded.hpp"
#include "actors/units/unit_actor.hpp"
#include "engine/component/checks_rules.hpp"
#include "engine/component/grows_in_place.hpp"
#include "engine/component/interrupt_switch.hpp"
#include "engine/component/keeps_rows_waiting.hpp"
#include "engine/component/settles_later.hpp"
#include "engine/runs/proof.hpp"
#include "engine/secrets/mask.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <caf/all.hpp>

#include <algorithm>
#include <mutex>
#include <utility>

namespace sluice::actors {

namespace {

/// The sink and what its calls need; shared with calls under way, which may outlive the actor.
struct open_sink {
  std::shared_ptr<const run_setup> setup;
  std::unique_ptr<sink> to = {};
  interrupt_switch<sink> stop = {};  ///< keeps a call that is stuck from holding up the end

  explicit open_sink(std::shared_ptr<const run_setup> of) : setup(std::move(of)) {}
  ~open_sink() { disconnect(); }
  open_sink(const open_sink&) = delete;
  open_sink& operator=(const open_sink&) = delete;

  void connect() {
    stop.connect(to.get());
    const std::lock_guard guard(lock);
    asked = to.get();
  }
  void disconnect() {
    stop.connect(nullptr);
    const std::lock_guard guard(lock);
    asked = nullptr;
  }
  [[nodiscard]] std::optional<down_state> down() const {
    const std::lock_guard guard(lock);
    return down_of(asked);
  }
  [[nodiscard]] std::uint64_t waiting() const {
    const std::lock_guard guard(lock);
    return waiting_in(asked);
  }

 private:
  mutable std::mutex lock;  ///< of the next one
  const sink* asked = nullptr;
};

struct written {
  status done;
  row_errors refused;
};

class load_actor : public unit_actor {
 public:
  load_actor(caf::actor_config& config, const std::shared_ptr<const run_setup>& setup, flow::instance_id who,
             const node_services& services)
      : unit_actor(config, setup, who, services), sink_(std::make_shared<open_sink>(setup)) {
    if (setup->resume) epoch_ = setup->resume->epoch;
    commits_at_end_ = setup->what->checkpoint_interval() && !setup->what->commits_each(who.unit);
    keeps_ = commits_at_end_ && setup->resume;
  }

 protected:
  caf::message_handler own_messages() override {
    return {[this](const commit_load& message) { commit(message); }};
  }

  void begin() override {
    calls_.call(
        [to = sink_, unit = unit_index(), grows = commits_at_end_, behind = held_token()]() -> status {
          SLUICE_ASSIGN(to->to, guarded("make the sink", [&] {
                          return to->setup->components.make_sink(*to->setup->what, unit, *to->setup->context);
                        }));
          to->connect();
          if (auto* const one = dynamic_cast<grows_in_place*>(to->to.get()); one != nullptr && grows)
            one->grow(holds_earlier(behind) ? behind : std::string());
          return guarded("open the target", [&] { return to->to->open(to->setup->attempt); });
        },
        [this](const status& opened) {
          if (!working_) return;
          if (!opened.ok()) return fail(opened.problem());
          open_ = true;
          // Here `out` counts all that was prepared; see counted().
          counters_.out += std::exchange(counters_.waiting, 0);
          started();
          work();
        });
  }

  /// What the target does not have yet is not loaded.
  [[nodiscard]] flow::unit_counters counted() const override {
    auto made = counters_;
    if (!open_ || !sink_) return made;
    made.waiting = std::min(sink_->waiting(), made.out);
    made.out -= made.waiting;
    return made;
  }
  [[nodiscard]] std::optional<down_state> down() const override { return sink_ ? sink_->down() : std::nullopt; }

  void work() override {
    if (!open_) return;
    while (!barrier_ && rejects_.clear() && working_) {
      auto next = inbox_->next();
      if (!next) break;
      if (auto* arrived = std::get_if<flow::inbox::arrived_batch>(&*next)) write(std::move(*arrived));
      if (auto* barrier = std::get_if<flow::inbox::aligned_barrier>(&*next)) barrier_ = std::move(*barrier);
    }
    if (!working_ || writes_ > 0) return;
    if (barrier_) {
      end_epoch();
    } else if (inbox_->exhausted()) {
      prepare();
    }
  }

  void stand(instance_stands& here) const override {
    if (prepared_ && !preparing_) here.ended_in = epoch_;
  }

  /// The sink's last call; it waits for one that is stuck, without keeping anyone.
  void give_up() override {
    if (ended_) return abandon_done();
    ended_ = true;
    if (!committing_) sink_->stop.interrupt();
    calls_.call([to = sink_, keeps = keeps_] { return let_sink_go(*to, keeps), 0; }, [this](int) { abandon_done(); });
  }

  /// What was prepared stays where a later run may continue after it.
  static void let_sink_go(open_sink& which, bool keeps) {
    if (which.to && !keeps) which.to->abort();
    which.disconnect();
    which.to.reset();
  }

  /// It may have been decided to commit: whoever settles the run publishes or removes it. What the supervisor has not
  /// been told of was decided by nobody.
  [[nodiscard]] bool keeps_prepared() const override { return undecided_ && !ended_; }

  void let_go() override {
    if (!ended_ && !undecided_) {
      if (!committing_) sink_->stop.interrupt();
      calls_.post([to = sink_, keeps = keeps_] { let_sink_go(*to, keeps); });
    }
    sink_.reset();
  }

 private:
  /// Of the last epoch that was prepared for the end of the run, by the instance before this one.
  [[nodiscard]] std::string held_token() const {
    std::string last;
    if (setup_->resume)
      for (const auto& one : setup_->resume->held)
        if (one.unit == unit().definition.name && one.instance == who_.instance) last = one.token;
    return last;
  }

  void write(flow::inbox::arrived_batch arrived) {
    const auto rows = arrived.rows.rows();
    counters_.in += static_cast<std::uint64_t>(rows);
    ++counters_.batches;
    if (rows == 0) {
      if (arrived.owed) give_credit({*arrived.owed});
      return;
    }
    ++writes_;
    const auto copy = arrived.rows;
    calls_.call(
        [to = sink_, rows = copy] {
          written result;
          result.done = guarded("write to the target", [&] { return to->to->write(rows, result.refused); });
          return result;
        },
        [this, arrived = std::move(arrived)](const written& result) {
          --writes_;
          if (!working_) return;
          if (!result.done.ok()) return fail_behind_commit(result.done.problem());
          reject(arrived.rows, result.refused);
          if (arrived.owed) give_credit({*arrived.owed});
          work();
        });
  }

  void reject(const batch& in, const row_errors& why) {
    for (auto& record : rejected_rows(in, why)) {
      record.unit = unit().definition.name;
      ++counters_.rejected;
      rejects_.add(std::move(record));
    }
    rejects_.send();
  }

  /// At a barrier: what was written so far becomes durable. What is behind it waits.
  void end_epoch() {
    rejects_.send();
    if (preparing_ || !rejects_.idle()) return;
    preparing_ = true;
    call_prepare(barrier_->epoch, [this](const prepared_epoch& made) {
      epoch_prepared here{.epoch = epoch_, .what = snapshot(*barrier_)};
      here.token = made.token;
      here.target = secrets::mask(target_);
      here.rows = made.report.loaded;
      send(links_.supervisor, progress());
      tell_prepared(std::move(here));
      rejects_.passed(epoch_);
      preparing_ = false;
      barrier_.reset();
      work();
    });
  }

  /// At the end of all inputs.
  void prepare() {
    if (prepared_) {
      if (!preparing_) finish_when_passed_on();
      return;
    }
    prepared_ = preparing_ = true;
    call_prepare(epoch_ + 1, [this](const prepared_epoch& made) {
      preparing_ = false;
      token_ = made.token;
      token_rows_ = made.report.loaded;
      send(links_.supervisor, progress());
      finish_when_passed_on();
    });
  }

  template <class Then>
  void call_prepare(std::uint64_t epoch, Then then) {
    calls_.call(
        [to = sink_, epoch] {
          proof::enter(proof::phase::pre_commit);
          auto made = guarded("make the target durable", [&] { return to->to->prepare(epoch); });
          if (proof::planted(proof::bug::visible_too_early) && made.ok() && !made->token.empty())
            (void)to->to->commit(made->token);
          return made;
        },
        [this, epoch, then](const result<prepared_epoch>& made) {
          if (!working_) return;
          tell_of_rules();
          if (!made.ok()) return fail_behind_commit(made.problem());
          const auto& report = made->report;
          epoch_ = epoch;
          undecided_ = true;
          keeps_ = commits_at_end_;
          counters_.out += report.loaded;
          counters_.merged += report.merged;
          counters_.set_null += report.set_null;
          counters_.bytes += report.bytes;
          target_ = report.target;
          then(*made);
        });
  }

  /// While an epoch is committed a failure would be taken for that of the commit, which others can repeat.
  void fail_behind_commit(error why) {
    if (!committing_) return fail(std::move(why));
    failed_ = std::move(why);
  }

  /// What the sink has found in what it has written so far. No call is under way.
  void tell_of_rules() {
    const auto* const checking = dynamic_cast<const checks_rules*>(sink_->to.get());
    if (checking == nullptr) return;
    auto found = checking->rules();
    if (!found.empty()) send(links_.supervisor, rules_checked{.who = who_, .results = std::move(found)});
  }

  /// A failure is the supervisor's to mend: rows that come meanwhile belong to a later epoch.
  void commit(const commit_load& message) {
    if (!obeys()) return;
    // It was asked for before, and is under way or answered: a second answer would be taken for that of the next epoch.
    if (message.at_once) return sink_->stop.interrupt();
    if (std::exchange(committing_, true)) return;
    calls_.call(
        [to = sink_, token = message.token, last = message.last]() -> status {
          proof::enter(proof::phase::commit);
          if (!to->to) return internal_error("sink_gone", "the sink was given up before it could publish");
          SLUICE_TRY(guarded("publish the target", [&] { return to->to->commit(token); }));
          auto* const later = last ? dynamic_cast<settles_later*>(to->to.get()) : nullptr;
          return later == nullptr ? status() : guarded("publish the target", [&] { return later->settle(); });
        },
        [this, last = message.last](const status& made) {
          committing_ = false;
          if (!made.ok()) {
            tell_failure(made.problem());
            if (auto why = std::exchange(failed_, std::nullopt)) fail(*std::move(why));
            return;
          }
          undecided_ = undecided_ && !last && commits_at_end_;
          ended_ = last;
          // At the end the run is told before it hears that all is visible.
          if (last) send(links_.supervisor, progress());
          send(links_.supervisor, committed{who_});
          if (auto why = std::exchange(failed_, std::nullopt)) fail(*std::move(why));
        });
  }

  std::shared_ptr<open_sink> sink_;
  std::optional<flow::inbox::aligned_barrier> barrier_;  ///< what is behind it waits
  std::uint64_t epoch_ = 0;                              ///< the last one that was prepared
  int writes_ = 0;                                       ///< under way
  bool open_ = false;
  bool preparing_ = false;       ///< the call is under way
  bool prepared_ = false;        ///< nothing more is written
  bool undecided_ = false;       ///< something is prepared of which only the supervisor knows what is to become
  bool commits_at_end_ = false;  ///< of a run that takes checkpoints
  bool keeps_ = false;           ///< some epochs are prepared, for the end of the run
  bool committing_ = false;      ///< told to commit: only that is to interrupt it any more
  bool ended_ = false;           ///< committed or aborted
  std::optional<error> failed_;  ///< to be told when the commit under way is answered
};

}  // namespace

caf::actor spawn_load(caf::actor_system& system, std::shared_ptr<const run_setup> setup, flow::instance_id who,
                      const node_services& services) {
  return system.spawn<load_actor>(std::move(setup), who, services);
}

}  // namespace sluice::actors
