// A program of one's own that links Sluice: an actor subscribes to the events of a state folder, and counts how runs of
// each pipeline end. It keeps its place in the event log, so that it counts every run once, however often it is started
// and whenever it is killed between two events. Events that other processes write (`sluice run`, a node) arrive within
// a second.
//
//   outcomes STATE_FOLDER NAME [COUNT]     ends after COUNT ends of runs; without it, with Ctrl-C
//
// Built as `cmake --build build --target example_subscriber`.

#include "actors/messages.hpp"
#include "actors/run/run.hpp"
#include "engine/store/store.hpp"

#include <caf/all.hpp>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <string>

namespace {

using namespace sluice;

/// What the actor remembers.
struct outcomes_state {
  std::map<std::string, std::map<std::string, int>> ends;  ///< pipeline -> outcome -> how often
  int left = 0;                                            ///< ends of runs until it is done; 0: never
  static constexpr const char* name = "outcomes";
};

/// The name that is kept with its place in the log.
struct settings {
  std::string name;
  int count = 0;
};

/// The notifier sends events in order and without gaps, one batch at a time: the next one comes after `events_seen`. An
/// actor that is slow is given the rest from the Store, and delays neither runs nor other subscribers.
caf::behavior outcomes(caf::stateful_actor<outcomes_state>* self, const caf::actor& notifier,
                       const std::shared_ptr<store::store>& store, const settings& how) {
  self->state.left = how.count;
  const auto place = store->cursor_of(how.name);  // 0 the first time: from the beginning of the log
  self->send(notifier, actors::subscribe_events{self, place.ok() ? *place : 0, {}});
  return {[=](const actors::event_batch& batch) {
    auto& state = self->state;
    for (const auto& event : batch.events) {
      const auto outcome = event.type.starts_with("run.") ? event.type.substr(4) : std::string();
      if (store::run_state_from(outcome) && store::is_final(*store::run_state_from(outcome))) {
        const auto so_far = ++state.ends[event.pipeline][outcome];
        std::cout << event.pipeline << " " << outcome << " " << so_far << " " << event.run << std::endl;
        if (state.left > 0 && --state.left == 0) {
          (void)store->set_cursor(how.name, event.cursor);
          return self->quit();
        }
      }
      // A write to the disk. What the program has done with an event should be as durable as this, or repeatable.
      if (const auto kept = store->set_cursor(how.name, event.cursor); !kept.ok())
        std::cerr << kept.problem().message << std::endl;
    }
    self->send(notifier, actors::events_seen{batch.events.back().cursor});
  }};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "outcomes STATE_FOLDER NAME [COUNT]" << std::endl;
    return 2;
  }
  const auto store = store::open_sqlite(std::string(argv[1]) + "/sluice.db");
  if (!store.ok()) {
    std::cerr << store.problem().message << std::endl;
    return 1;
  }
  // The engine brings the actor system and the notifier; it could run pipelines as well.
  actors::engine engine(*store, "outcomes");
  caf::scoped_actor self(engine.system());
  // Calls of the Store block: an actor that makes them has a thread of its own.
  const auto counter = engine.system().spawn<caf::detached>(outcomes, engine.actors().notifier, *store,
                                                            settings{argv[2], argc > 3 ? std::atoi(argv[3]) : 0});
  self->wait_for(counter);
  return 0;
}
