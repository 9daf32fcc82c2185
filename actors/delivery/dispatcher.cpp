#include "actors/delivery/dispatcher.hpp"

#include "actors/delivery/log_reader.hpp"
#include "actors/messages.hpp"
#include "actors/units/blocking_calls.hpp"
#include "actors/units/guarded.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <map>

namespace sluice::actors {

namespace {

/// A subscription that can't be worked on here is tried again so many looks later.
constexpr int looks_when_broken = 30;

std::int64_t system_now() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

class dispatcher : public caf::event_based_actor {
 public:
  dispatcher(caf::actor_config& config, dispatcher_settings settings)
      : caf::event_based_actor(config), s_(std::move(settings)), calls_(this, s_.services.io) {
    if (!s_.now) s_.now = system_now;
  }

  caf::behavior make_behavior() override {
    // It ends with the notifier, as all that is around it does.
    monitor(s_.notifier);
    set_down_handler([this, around = s_.notifier.address()](const caf::down_msg& gone) {
      gone.source == around ? quit() : lost(gone.source);
    });
    reader_ = spawn_log_reader(system(), s_, book_, this);
    monitor(reader_);
    tick();
    return {
        [this](const get_delivery_progress& wanted) {
          auto promise = make_response_promise();
          if (!wanted.look) {
            promise.deliver(progress(wanted));
            return promise;
          }
          look([this, wanted, promise]() mutable { promise.deliver(progress(wanted)); });
          return promise;
        },
        [this](const close_groups&) {
          for (auto& [id, one] : children_) {
            if (!one.handle) continue;
            send(one.handle, close_groups{});
            one.last.busy = true;  // until it says otherwise
          }
        },
        [this](const subscription_progress& told) {
          const auto found = children_.find(told.id);
          if (found != children_.end()) found->second.last = told;
        },
        [this](const log_progress& told) {
          log_ = told;
          for (const auto& [id, number] : told.woken)
            if (const auto found = children_.find(id); found != children_.end()) found->second.woken = number;
        },
        [this](const subscription_left& told) {
          const auto found = children_.find(told.id);
          if (found == children_.end()) return;
          found->second.handle = nullptr;
          found->second.rest = looks_when_broken;
          found->second.why = told.why;
          if (told.why.empty()) children_.erase(found);
        },
        [this](const actors::leave&) { quit(); },
        resume_calls(),
    };
  }

  void on_exit() override {
    for (auto& [id, one] : children_)
      if (one.handle) send(one.handle, actors::leave{});
    children_.clear();
    send(reader_, actors::leave{});
    reader_ = nullptr;
    s_.notifier = nullptr;
  }

 private:
  struct child {
    caf::actor handle = {};  ///< null: it rests
    std::string spec = {};
    subscription_progress last = {};
    std::uint64_t woken = 0;  ///< by the reader of the log
    int rest = 0;             ///< looks until it is tried again
    std::string why = {};     ///< it rests
  };

  void tick() {
    delayed_send(this, s_.look_interval, continuation{[this] { look([this] { tick(); }); }});
  }

  void look(std::function<void()> then) {
    calls_.call(
        [store = s_.store] {
          return guarded("read subscriptions", [&] { return store::deliveries_of(*store).subscriptions(); });
        },
        [this, then = std::move(then)](const result<std::vector<store::subscription>>& all) {
          if (all.ok()) found(*all);
          then();
        });
  }

  void found(const std::vector<store::subscription>& all) {
    for (auto& [id, one] : children_)
      if (one.handle &&
          std::none_of(all.begin(), all.end(), [&, &name = id](const auto& kept) { return kept.id == name; }))
        send(one.handle, actors::leave{});
    for (const auto& kept : all) {
      auto& one = children_[kept.id];
      const auto spec = kept.spec.dump() + std::to_string(kept.until.value_or(-1));
      if (one.handle) {
        // The pipeline was changed: it begins again with what the Store has now.
        if (one.spec != spec) send(one.handle, actors::leave{});
        one.spec = spec;
        continue;
      }
      if (kept.held_elsewhere || (one.rest > 0 && one.spec == spec && --one.rest > 0)) {
        one.spec = spec;
        continue;
      }
      one = {.handle = spawn_subscription(system(), s_, book_, kept.id, reader_, this),
             .spec = spec,
             .last = {.id = kept.id}};
      monitor(one.handle);
    }
  }

  void lost(const caf::actor_addr& address) {
    for (auto at = children_.begin(); at != children_.end(); ++at)
      if (at->second.handle && at->second.handle.address() == address) {
        children_.erase(at);
        return;
      }
  }

  delivery_progress progress(const get_delivery_progress& wanted) const {
    delivery_progress made{.done = true};
    for (const auto& [id, one] : children_) {
      if (!one.handle) {
        if (!one.why.empty()) made.troubles.push_back("the notifications of " + id + " can't be sent here: " + one.why);
        continue;
      }
      ++made.subscriptions;
      const bool due = one.last.next != 0 && one.last.next <= wanted.until;
      if (one.last.busy || one.last.turns < one.woken || due) made.done = false;
    }
    if (made.subscriptions > 0 && (log_.busy || log_.at < wanted.cursor)) made.done = false;
    return made;
  }

  dispatcher_settings s_;
  blocking_calls calls_;
  std::shared_ptr<notify::delivery_book> book_ = std::make_shared<notify::delivery_book>(s_.store);
  caf::actor reader_;
  log_progress log_;
  std::map<std::string, child> children_;  ///< by subscription
};

}  // namespace

caf::actor spawn_dispatcher(caf::actor_system& system, dispatcher_settings settings) {
  return system.spawn<dispatcher>(std::move(settings));
}

delivery_progress await_deliveries(caf::actor_system& system, const caf::actor& dispatcher, std::int64_t cursor,
                                   std::chrono::milliseconds limit) {
  using clock = std::chrono::steady_clock;
  const auto end = clock::now() + limit;
  const auto until = system_now() + std::chrono::duration_cast<std::chrono::microseconds>(limit).count();
  caf::scoped_actor self(system);
  // The first answer comes when all subscriptions are known; groups are closed when they have all events.
  bool look = true;
  bool closed = false;
  auto pause = std::chrono::milliseconds(2);
  while (true) {
    delivery_progress found;
    self->request(dispatcher, std::chrono::seconds(10), get_delivery_progress{cursor, until, look})
        .receive([&](const delivery_progress& answer) { found = answer; }, [](const caf::error&) {});
    look = false;
    if (found.done && closed) return found;
    if (found.done) {
      closed = true;
      self->send(dispatcher, close_groups{});
    }
    if (clock::now() >= end) return found;
    // A message to itself: the actor sleeps without blocking a signal's handler.
    self->receive(caf::after(pause) >> [] {});
    pause = std::min(pause * 2, std::chrono::milliseconds(50));
  }
}

}  // namespace sluice::actors
