#include "actors/notifier.hpp"

#include "actors/messages.hpp"
#include "actors/units/blocking_calls.hpp"
#include "actors/units/guarded.hpp"
#include "engine/flow/event_feed.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <chrono>
#include <map>

namespace sluice::actors {

namespace {

constexpr std::int64_t most_read = 256;
constexpr auto look_interval = std::chrono::seconds(1);

class notifier : public caf::event_based_actor {
 public:
  notifier(caf::actor_config& config, std::shared_ptr<store::store> from, const node_services& services)
      : caf::event_based_actor(config), store_(std::move(from)), services_(services), calls_(this, services.io) {}

  caf::behavior make_behavior() override {
    look_again();
    set_down_handler([this](const caf::down_msg& gone) { feeds_.erase(gone.source); });
    return {
        [this](const events_written& message) {
          for (auto& [address, one] : feeds_) {
            one.feed.written(message.events);
            serve(address);
          }
        },
        [this](const subscribe_events& message) {
          if (feeds_.count(message.to.address()) == 0) monitor(message.to);
          message.after == only_new_events ? subscribe_to_new(message) : subscribe(message, message.after);
        },
        [this](const unsubscribe_events& message) { feeds_.erase(message.to.address()); },
        [this](const events_seen&) {
          const auto address = caf::actor_cast<caf::actor_addr>(current_sender());
          const auto found = feeds_.find(address);
          if (found == feeds_.end()) return;
          found->second.feed.seen();
          serve(address);
        },
        [this](const actors::leave&) { quit(); },
        resume_calls(),
    };
  }

  void on_exit() override { feeds_.clear(); }

 private:
  struct subscriber {
    flow::event_feed feed;
    caf::actor to;
    std::shared_ptr<blocking_calls> calls;
  };

  void subscribe(const subscribe_events& message, std::int64_t after) {
    const auto address = message.to.address();
    feeds_.insert_or_assign(address, subscriber{flow::event_feed(after, message.run), message.to,
                                                std::make_shared<blocking_calls>(this, services_.io)});
    serve(address);
  }

  /// An empty batch says from when on it hears of what is new: it looks by itself at what came before.
  void subscribe_to_new(const subscribe_events& message) {
    calls_.call([store = store_] { return guarded("read events", [&] { return store->last_cursor(); }); },
                [this, message](const result<std::int64_t>& newest) {
                  subscribe(message, newest.ok() ? *newest : 0);
                  send(message.to, event_batch{});
                });
  }

  /// Other processes write to the same Store and tell nobody here.
  void look_again() {
    delayed_send(this, look_interval, continuation{[this] { feeds_.empty() ? look_again() : look(); }});
  }

  void look() {
    calls_.call([store = store_] { return guarded("read events", [&] { return store->last_cursor(); }); },
                [this](const result<std::int64_t>& newest) {
                  if (newest.ok())
                    for (auto& [address, one] : feeds_) {
                      one.feed.newest(*newest);
                      serve(address);
                    }
                  look_again();
                });
  }

  void serve(const caf::actor_addr& address) {
    auto& one = feeds_.find(address)->second;
    switch (one.feed.next()) {
      case flow::event_feed::step::nothing:
        return;
      case flow::event_feed::step::deliver:
        send(one.to, event_batch{one.feed.take()});
        return;
      case flow::event_feed::step::read:
        break;
    }
    one.feed.reading();
    one.calls->call(
        [store = store_, after = one.feed.at(), run = one.feed.run()] {
          return guarded("read events", [&] { return store->events(after, run, most_read); });
        },
        [this, address](result<std::vector<store::event>> events) { got(address, std::move(events)); });
  }

  void got(const caf::actor_addr& address, result<std::vector<store::event>> events) {
    const auto found = feeds_.find(address);
    if (found == feeds_.end()) return;
    auto& one = found->second;
    if (!events.ok()) {  // a Store that is busy or gone: again later
      delayed_send(this, std::chrono::seconds(1), continuation{[this, address] {
                     const auto still = feeds_.find(address);
                     if (still == feeds_.end()) return;
                     still->second.feed.seen();
                     serve(address);
                   }});
      return;
    }
    auto fresh = one.feed.read(std::move(events).value(), most_read);
    if (!fresh.empty()) {
      send(one.to, event_batch{std::move(fresh)});
    } else {
      serve(address);
    }
  }

  std::shared_ptr<store::store> store_;
  node_services services_;
  blocking_calls calls_;
  std::map<caf::actor_addr, subscriber> feeds_;
};

/// Calls a function for each event, one after the other, and keeps its place.
class calling_subscriber : public caf::event_based_actor {
 public:
  calling_subscriber(caf::actor_config& config, caf::actor from, subscriber_functions functions,
                     std::shared_ptr<store::store> cursors, std::string name, std::int64_t after,
                     const node_services& services)
      : caf::event_based_actor(config),
        notifier_(std::move(from)),
        functions_(std::move(functions)),
        cursors_(std::move(cursors)),
        name_(std::move(name)),
        after_(after),
        calls_(this, services.io) {}

  caf::behavior make_behavior() override {
    monitor(notifier_);
    set_down_handler([this](const caf::down_msg&) { quit(); });
    begin();
    return {
        [this](event_batch& message) {
          deliver(std::make_shared<std::vector<store::event>>(std::move(message.events)), 0);
        },
        [this](const actors::leave&) { quit(); },
        resume_calls(),
    };
  }

  void on_exit() override { notifier_ = nullptr; }

 private:
  void begin() {
    calls_.call(
        [store = cursors_, name = name_, after = after_, place = functions_.place]() -> result<std::int64_t> {
          if (name.empty() || !store) return after;
          SLUICE_ASSIGN(const auto kept, store->cursor_of(name));
          const auto from = std::max(kept, after);
          return place ? guarded("find a subscriber's place", [&] { return place(from); }) : from;
        },
        [this](const result<std::int64_t>& after) {
          if (!after.ok()) return again([this] { begin(); });
          send(notifier_, subscribe_events{this, *after, {}});
        });
  }

  void deliver(std::shared_ptr<std::vector<store::event>> events, std::size_t from) {
    calls_.call(
        [call = functions_.deliver, store = cursors_, name = name_, events, from]() -> std::size_t {
          for (auto at = from; at < events->size(); ++at)
            if (!guarded("notify", [&] { return call((*events)[at]); }).ok()) return at;
          if (!name.empty() && store && !events->empty()) (void)store->set_cursor(name, events->back().cursor);
          return events->size();
        },
        [this, events](std::size_t done_until) {
          if (done_until < events->size()) return again([this, events, done_until] { deliver(events, done_until); });
          pause_ = first_pause;
          send(notifier_, events_seen{events->back().cursor});
        });
  }

  void again(std::function<void()> what) {
    delayed_send(this, pause_, continuation{std::move(what)});
    pause_ = std::min(pause_ * 2, longest_pause);
  }

  static constexpr std::chrono::milliseconds first_pause{100};
  static constexpr std::chrono::milliseconds longest_pause{30'000};

  caf::actor notifier_;
  subscriber_functions functions_;
  std::shared_ptr<store::store> cursors_;
  std::string name_;
  std::int64_t after_;
  blocking_calls calls_;
  std::chrono::milliseconds pause_ = first_pause;
};

}  // namespace

caf::actor spawn_notifier(caf::actor_system& system, std::shared_ptr<store::store> from,
                          const node_services& services) {
  return system.spawn<notifier>(std::move(from), services);
}

caf::actor spawn_subscriber(caf::actor_system& system, const caf::actor& from, subscriber_functions functions,
                            std::shared_ptr<store::store> cursors, const std::string& name, std::int64_t after,
                            const node_services& services) {
  return system.spawn<calling_subscriber>(from, std::move(functions), std::move(cursors), name, after, services);
}

}  // namespace sluice::actors
