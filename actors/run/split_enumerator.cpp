#include "actors/run/split_enumerator.hpp"

#include "actors/run/follow_messages.hpp"
#include "actors/run/order_wanted.hpp"
#include "actors/units/blocking_calls.hpp"
#include "actors/units/guarded.hpp"
#include "engine/component/looks_again.hpp"
#include "engine/component/numbers_splits.hpp"
#include "engine/flow/inbox.hpp"
#include "engine/flow/source_clock.hpp"
#include "engine/flow/split_assignment.hpp"
#include "engine/memory/manager.hpp"
#include "engine/secrets/mask.hpp"

#include <sys/stat.h>
#include <xxhash.h>
#include <caf/all.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <tuple>

namespace sluice::actors {

namespace {

class split_enumerator : public caf::event_based_actor {
 public:
  split_enumerator(caf::actor_config& config, std::shared_ptr<const run_setup> setup, flow::instance_id who,
                   const node_services& services)
      : caf::event_based_actor(config), setup_(std::move(setup)), who_(who), calls_(this, services.io) {}

  caf::behavior make_behavior() override {
    set_down_handler([this](const caf::down_msg& gone) { lost(gone.source); });
    return {
        [this](const wiring& links) {
          supervisor_ = links.supervisor;
          monitor(supervisor_);
        },
        [this](begin_work) { begin_or_tell_again(); },
        [this](const actors::follow& message) {
          demonitor(supervisor_.address());
          supervisor_ = message.supervisor;
          monitor(supervisor_);
        },
        [this](const want_split& message) { want(message); },
        [this](const want_room& message) { want(message); },
        [this](const split_finished& message) {
          if (assignment_ &&
              !assignment_->finished(message.who.instance, message.split, message.position, message.bytes))
            fail(internal_error("protocol_error", "a reader finished split " + std::to_string(message.split) +
                                                      ", which was assigned to another reader"));
          read_to_its_end(message.split);
          serve();
        },
        [this](const time_reached& message) { take(message); },
        [this](const begin_epoch& message) {
          if (!obeys()) return;
          epoch_ = message.epoch;
          ready_ = false;
          serve();
        },
        [this](const epoch_passed& message) {
          if (!obeys() || (epoch_ && message.epoch < *epoch_)) return;
          epoch_.reset();
          serve();
        },
        [this](const epoch_committed& message) {
          if (obeys()) acknowledge(message);
        },
        [this](locate_rejects& message) { locate(std::move(message)); },
        [this](report_progress) -> caf::result<instance_progress> {
          return instance_progress{who_, {}};
        },
        [this](abandon) {
          if (!obeys()) return;
          calls_.forget();
          if (source_) source_->interrupt();
          waiting_.clear();
          wanting_.clear();
          send(supervisor_, abandoned{who_});
        },
        [this](const actors::leave&) {
          if (obeys()) quit();
        },
        resume_calls(),
    };
  }

  void on_exit() override {
    supervisor_ = nullptr;
    waiting_.clear();
    wanting_.clear();
    readers_.clear();
    source_.reset();
  }

 private:
  struct reader {
    std::uint32_t instance;
    caf::actor handle;
  };
  struct room_wanted {
    reader by;
    std::int64_t bytes;
  };
  struct discovered {
    std::shared_ptr<source> from;
    std::vector<split> splits;
    bool in_order = true;  ///< somebody below needs the order
    std::string inputs = {};
  };

  /// What a bounded source reads: its splits, and of files size and time.
  static std::string inputs_of(const std::vector<split>& splits) {
    std::string text;
    const std::string* last = nullptr;
    for (const auto& piece : splits) {
      text += piece.object + '\0' + std::to_string(piece.begin) + ',' + std::to_string(piece.end) + '\0';
      struct stat info {};
      if ((last == nullptr || *last != piece.object) && ::stat(piece.object.c_str(), &info) == 0)
        text += std::to_string(info.st_size) + ',' + std::to_string(info.st_mtim.tv_sec) + ',' +
                std::to_string(info.st_mtim.tv_nsec) + '\0';
      last = &piece.object;
    }
    return std::to_string(XXH3_64bits(text.data(), text.size()));
  }

  /// The splits that an earlier run has read keep their numbers.
  static status keep_numbers(const run_setup& setup, int unit, source& of) {
    auto* const numbering = dynamic_cast<numbers_splits*>(&of);
    if (numbering == nullptr || !setup.resume) return {};
    const auto& sources = setup.resume->snapshot.sources;
    const auto found = sources.find(setup.what->units[static_cast<std::size_t>(unit)].definition.name);
    if (found == sources.end()) return {};
    std::vector<split_progress> before;
    for (const auto& [id, one] : found->second)
      before.push_back({.split = one.split, .position = one.position, .ended = one.ended});
    return numbering->keep_numbers(before);
  }

  void fail(error why) {
    const auto& definition = setup_->what->units[who_.unit].definition;
    if (why.where.empty()) why.where = "unit " + definition.name;
    why.path = unit_path(definition) + why.path;
    secrets::mask(why);
    failed_of_ = why;
    send(supervisor_, instance_failed{who_, std::move(why)});
  }

  /// As for other instances (unit_actor).
  [[nodiscard]] bool obeys() {
    return current_sender() == nullptr || current_sender()->address() == supervisor_.address();
  }

  void begin_or_tell_again() {
    if (!obeys()) return;
    if (!std::exchange(begun_, true)) return discover();
    if (failed_of_) return send(supervisor_, instance_failed{who_, *failed_of_});
    if (assignment_) tell_started();
  }

  void tell_started() {
    send(supervisor_, splits_discovered{who_.unit, assignment_->all().size(), assignment_->bytes(), inputs_});
    send(supervisor_, instance_started{who_});
  }

  void discover() {
    calls_.call(
        [setup = setup_, unit = static_cast<int>(who_.unit)]() -> result<discovered> {
          SLUICE_ASSIGN(auto from, setup->sources->get(*setup, unit));
          SLUICE_TRY(guarded("find the splits", [&] { return keep_numbers(*setup, unit, *from); }));
          SLUICE_ASSIGN(auto splits, guarded("find the splits", [&] { return from->discover(); }));
          const bool asked = setup->what->checkpoint_interval().has_value();
          auto inputs = asked && from->bounded() ? inputs_of(splits) : std::string();
          return discovered{std::move(from), std::move(splits), asked && order_wanted(*setup, unit), std::move(inputs)};
        },
        [this](result<discovered> made) {
          if (!made.ok()) return fail(std::move(made).problem());
          source_ = std::move(made->from);
          auto assignment = flow::split_assignment::make(std::move(made->splits), rules());
          if (!assignment.ok()) return fail(std::move(assignment).problem());
          assignment_ = std::move(assignment).value();
          in_order_ = made->in_order;
          inputs_ = std::move(made->inputs);
          if (const auto begun = go_on_behind(); !begun.ok()) return fail(begun.problem());
          begin_time();
          tell_started();
          serve();
          look_again_later();
        });
  }

  /// Where the run stood that this one continues after.
  status go_on_behind() {
    if (!setup_->resume) return {};
    const auto& name = setup_->what->units[who_.unit].definition.name;
    const auto& sources = setup_->resume->snapshot.sources;
    const auto& inputs = setup_->resume->snapshot.inputs;
    const auto before = inputs.find(name);
    if (before != inputs.end() && before->second != inputs_)
      return user_error(
          "input_changed",
          "the files that " + name + " reads have changed since the checkpoint that the run continues after",
          "start again with --fresh");
    const auto found = sources.find(name);
    return found == sources.end() ? status() : assignment_->go_on(found->second);
  }

  /// At a barrier nothing is handed out until the readers have sent theirs. Where the order matters it comes when all
  /// that was handed out before the last split is read: what is behind it in the order must not be before the barrier.
  void see_whether_ready() {
    if (!epoch_ || ready_ || (in_order_ && !assignment_->at_boundary())) return;
    ready_ = true;
    send(supervisor_, epoch_ready{who_, *epoch_});
  }

  [[nodiscard]] flow::split_assignment::rules rules() const {
    return {.readers = static_cast<std::uint32_t>(setup_->what->units[who_.unit].parallelism),
            .per_reader = source_->splits_per_reader(),
            .ahead = setup_->splits_ahead,
            .bounded = source_->bounded(),
            .early_bytes = early_bytes()};
  }

  /// What rows that come before their place in the order may take of the run's memory. A reader that serves several
  /// splits could wait for itself.
  [[nodiscard]] std::int64_t early_bytes() const {
    const auto& plan = *setup_->what;
    const auto edges = plan.edges_from(static_cast<int>(who_.unit));
    const bool ordered = std::any_of(edges.begin(), edges.end(),
                                     [&](int edge) { return plan.edges[static_cast<std::size_t>(edge)].ordered; });
    if (!ordered || !source_->bounded() || source_->splits_per_reader() > 1) return flow::split_assignment::no_limit;
    const auto sources = std::count_if(plan.units.begin(), plan.units.end(),
                                       [](const auto& unit) { return unit.definition.role == unit_role::extract; });
    return setup_->context->memory->queue_limit() / sources;
  }

  /// A source without end may get new partitions or files.
  void look_again_later() {
    if (source_->bounded()) return;
    const auto* const sooner = dynamic_cast<const looks_again*>(source_.get());
    const auto pause =
        sooner == nullptr ? setup_->discover_again : std::min(setup_->discover_again, sooner->look_again_after());
    delayed_send(this, pause, continuation{[this] { look_again(); }});
  }

  void look_again() {
    calls_.call([from = source_] { return guarded("find the splits", [&] { return from->discover(); }); },
                [this](result<std::vector<split>> found) {
                  if (!found.ok()) return fail(std::move(found).problem());
                  const auto added = assignment_->extend(std::move(found).value());
                  if (!added.ok()) return fail(added.problem());
                  if (*added > 0) {
                    if (time_) time_->extend(assignment_->all());
                    send(supervisor_, splits_discovered{who_.unit, assignment_->all().size(), assignment_->bytes()});
                    serve();
                  }
                  look_again_later();
                });
  }

  /// It is committed: what comes of telling so changes nothing any more.
  void acknowledge(const epoch_committed& message) {
    if (!source_ || !assignment_) return;
    std::vector<split_progress> upto;
    for (const auto& one : message.upto)
      upto.push_back({.split = one.split, .position = one.position, .ended = one.ended});
    calls_.post([setup = setup_, from = source_, epoch = message.epoch, upto = std::move(upto)] {
      (void)guarded("acknowledge what was read", [&] { return from->committed(epoch, upto); });
    });
  }

  // -- event time

  /// Watermarks are computed where somebody below needs them.
  void begin_time() {
    const auto& what = *setup_->what;
    const auto edges = what.edges_from(static_cast<int>(who_.unit));
    if (std::none_of(edges.begin(), edges.end(),
                     [&](int edge) { return what.edges[static_cast<std::size_t>(edge)].timed; }))
      return;
    const auto& rule = what.units[who_.unit].definition.time;
    flow::source_clock::rules by{.out_of_order = rule.out_of_order};
    if (rule.idle) by.idle = std::chrono::microseconds(*rule.idle);
    time_.emplace(by);
    time_->extend(assignment_->all());
    restore_time();
  }

  /// Its rows had come so far when the checkpoint was taken that the run goes on behind. Silence is counted anew.
  void restore_time() {
    if (!setup_->resume) return;
    const auto& name = setup_->what->units[who_.unit].definition.name;
    const auto& [sources, watermarks] = std::tie(setup_->resume->snapshot.sources, setup_->resume->snapshot.watermarks);
    if (const auto found = sources.find(name); found != sources.end())
      for (const auto& [id, one] : found->second) {
        time_->passed_on(id, one.latest);
        if (one.ended) time_->finished(id);
      }
    if (const auto risen = watermarks.find(name); risen != watermarks.end()) time_->go_on(risen->second);
  }

  void take(const time_reached& message) {
    if (!time_) return;
    if (message.silent) {
      time_->silent(message.split, clock().now());
    } else {
      time_->passed_on(message.split, message.has_time ? std::optional(message.latest) : std::nullopt);
    }
    tell_time();
  }

  /// A split that ends at a position (until: now) is one that is silent: what comes next time is not late because of
  /// what others had.
  void read_to_its_end(std::uint32_t split) {
    if (!time_) return;
    if (setup_->what->units[who_.unit].stops) {
      time_->silent(split, clock().now());
    } else {
      time_->finished(split);
    }
    tell_time();
    if (!is_settled()) return;
    tell_readers(last_time());
  }
  void tell_readers(const watermark_risen& what) {
    for (const auto& [address, instance] : readers_)
      if (const auto to = caf::actor_cast<caf::actor>(address)) send(to, what);
  }
  [[nodiscard]] bool is_settled() const {
    return time_ && setup_->what->units[who_.unit].stops && assignment_ && assignment_->all_ended();
  }
  [[nodiscard]] watermark_risen last_time() const { return {time_->watermark().value_or(flow::idle_mark), true}; }

  /// Tells all readers how far the source has come: what they send from now on is not before that.
  void tell_time() {
    if (!time_) return;
    const auto now = clock().now();
    const auto risen = time_->risen(now);
    if (risen) tell_readers({*risen});
    // One that is idle holds no other input back; when rows come again its last watermark is told once more.
    if (const bool silent = time_->is_idle(now); silent != std::exchange(told_idle_, silent)) {
      if (silent)
        tell_readers({flow::idle_mark});
      else if (!risen && time_->watermark())
        tell_readers({*time_->watermark()});
    }
    const auto idle = time_->next_idle(now);
    if (!idle || (asked_at_ && *asked_at_ <= *idle && *asked_at_ > now)) return;
    asked_at_ = *idle;
    delayed_send(this, *idle - now, continuation{[this] { tell_time(); }});
  }

  void want(const want_split& message) {
    auto handle = caf::actor_cast<caf::actor>(current_sender());
    if (!handle) return;
    if (readers_.emplace(handle.address(), message.who.instance).second) {
      monitor(handle);
      if (time_ && time_->watermark()) send(handle, watermark_risen{*time_->watermark()});
      if (is_settled()) send(handle, last_time());
    }
    waiting_.push_back({message.who.instance, std::move(handle)});
    serve();
  }

  void want(const want_room& message) {
    auto handle = caf::actor_cast<caf::actor>(current_sender());
    if (!handle || !assignment_) return;
    wanting_[message.split] = {{message.who.instance, std::move(handle)}, message.bytes};
    give_room();
    if (!wanting_.empty()) see_whether_order_matters();
  }

  void give_room() {
    for (auto at = wanting_.begin(); at != wanting_.end();) {
      const auto& [split, wanted] = *at;
      const auto bytes = assignment_->room(wanted.by.instance, split, wanted.bytes);
      if (bytes) send(wanted.by.handle, room_given{split, *bytes});
      at = bytes ? wanting_.erase(at) : std::next(at);
    }
  }

  /// Order keys travel further than to whoever needs them. To find out makes the units below, so only who runs out of
  /// room asks.
  void see_whether_order_matters() {
    if (std::exchange(asked_for_order_, true)) return;
    calls_.call([setup = setup_, unit = static_cast<int>(who_.unit)] { return order_wanted(*setup, unit); },
                [this](bool wanted) {
                  if (wanted) return;
                  assignment_->release_order();
                  give_room();
                });
  }

  void serve() {
    if (!assignment_) return;
    give_room();
    see_whether_ready();
    if (epoch_) return;
    // One that has its share keeps nobody else waiting.
    std::deque<reader> waiting;
    for (auto& one : std::exchange(waiting_, {})) {
      auto reply = assignment_->next(one.instance);
      if (reply.what == flow::split_assignment::answer::wait) {
        waiting.push_back(std::move(one));
      } else if (reply.what == flow::split_assignment::answer::take) {
        send(one.handle,
             take_split{std::move(*reply.piece), std::move(reply.from.position), reply.room, reply.from.sequence});
      } else {
        send(one.handle, no_more_splits{});
      }
    }
    waiting_ = std::move(waiting);
  }

  void lost(const caf::actor_addr& gone) {
    // One on another node has gone with it: this node decides what becomes of its units.
    if (gone == supervisor_.address()) return gone.node() == node() ? quit() : void();
    const auto found = readers_.find(gone);
    if (found == readers_.end()) return;
    const auto instance = found->second;
    readers_.erase(found);
    std::erase_if(waiting_, [&](const auto& candidate) { return candidate.instance == instance; });
    std::erase_if(wanting_, [&](const auto& candidate) { return candidate.second.by.instance == instance; });
    if (assignment_ && assignment_->give_back(instance) > 0) serve();
  }

  void locate(locate_rejects message) {
    const auto to = caf::actor_cast<caf::actor>(current_sender());
    if (!to) return;
    auto work = [from = source_, splits = assignment_ ? assignment_->all() : std::vector<split>(),
                 rows = std::move(message.rows)]() mutable {
      for (auto& row : rows) {
        const auto& at = row.position;
        if (!from || at.split >= splits.size()) continue;
        row.file = secrets::mask(splits[at.split].object);
        const auto offset = static_cast<std::uint64_t>(at.offset);
        const auto line =
            guarded("find a line", [&]() -> result<std::uint64_t> { return from->line_of(splits[at.split], offset); });
        row.line = line.ok() ? *line : 0;
      }
      return std::move(rows);
    };
    calls_.call(std::move(work), [this, to, ticket = message.ticket](std::vector<rejected_row> rows) {
      send(to, rejects_located{ticket, std::move(rows)});
    });
  }

  std::shared_ptr<const run_setup> setup_;
  flow::instance_id who_;
  blocking_calls calls_;
  caf::actor supervisor_;
  std::shared_ptr<source> source_;
  std::optional<flow::split_assignment> assignment_;
  std::deque<reader> waiting_;
  std::map<std::uint32_t, room_wanted> wanting_;  ///< by split: readers that may not pass on what they have read
  std::map<caf::actor_addr, std::uint32_t> readers_;
  std::optional<error> failed_of_;
  bool begun_ = false;
  bool asked_for_order_ = false;
  bool in_order_ = true;
  std::string inputs_;
  std::optional<std::uint64_t> epoch_;                      ///< whose barriers the readers are to send
  bool ready_ = false;                                      ///< and may
  std::optional<flow::source_clock> time_;                  ///< where watermarks are needed
  bool told_idle_ = false;                                  ///< the readers have heard that all of it is idle
  std::optional<flow::source_clock::time_point> asked_at_;  ///< when tell_time comes again by itself
};

}  // namespace

caf::actor spawn_enumerator(caf::actor_system& system, std::shared_ptr<const run_setup> setup, flow::instance_id who,
                            const node_services& services) {
  return system.spawn<split_enumerator>(std::move(setup), who, services);
}

}  // namespace sluice::actors
