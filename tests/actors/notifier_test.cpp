#include "actors/notifier.hpp"

#include "actors/messages.hpp"
#include "actors/subscribers/file.hpp"
#include "actors/subscribers/log.hpp"
#include "tests/actors/virtual_time.hpp"
#include "tests/support/hooked_store.hpp"
#include "tests/support/temporary_folder.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>

#include <filesystem>
#include <sstream>

using namespace sluice;
using namespace sluice::actors;
using namespace sluice::actors::testing;
using namespace std::chrono_literals;

namespace {

const std::string only_run = "00000000-0000-7000-8000-000000000001";

void create(store::store& in, const std::string& run) {
  store::run_record record;
  record.id = run;
  record.pipeline = "daily";
  record.created = 1;
  REQUIRE(in.create_run(record, {}).ok());
}

/// A Store with one run, whose events go through a notifier.
struct newsroom {
  virtual_time time;
  std::shared_ptr<store::store> kept;
  std::shared_ptr<test::hooked_store> store;
  caf::actor notifier;
  probe desk{time};  ///< announces what is written

  explicit newsroom(const std::string& path = ":memory:")
      : kept(store::open_sqlite(path).value()),
        store(std::make_shared<test::hooked_store>(kept)),
        notifier(time.keep(spawn_notifier(time.system(), store, time.services()))) {
    create(*kept, only_run);
  }
  /// Writes events and gives them as they were written, for `announce`.
  std::vector<store::event> write_quietly(int count, const std::string& run = only_run) {
    store::change change;
    change.run = run;
    for (int i = 0; i < count; ++i) change.events.push_back({.run = run, .type = "unit.started", .data = {{"in", i}}});
    return kept->apply(change).value();
  }
  void announce(std::vector<store::event> events) { desk.send(notifier, events_written{std::move(events)}); }
  void write(int count) { announce(write_quietly(count)); }

  caf::actor subscribe(subscriber_functions functions, const std::string& name) {
    return time.keep(spawn_subscriber(time.system(), notifier, std::move(functions), store, name, 0, time.services()));
  }
};

/// A subscriber that the test plays.
struct reader {
  newsroom& room;
  probe self{room.time};

  explicit reader(newsroom& in, std::int64_t after = 0, const std::string& run = "") : room(in) {
    self.send(room.notifier, subscribe_events{self, after, run});
  }
  void seen() const { self.send(room.notifier, events_seen{}); }
  /// Takes everything that comes without time passing; gives the cursors.
  std::vector<std::int64_t> take() {
    std::vector<std::int64_t> cursors;
    for (room.time.settle(); !self.silent(); room.time.settle()) {
      // The next message comes only when this one was seen.
      REQUIRE(self.count<event_batch>() == 1);
      for (const auto& one : self.last<event_batch>().events) cursors.push_back(one.cursor);
      self.clear();
      seen();
    }
    return cursors;
  }
};

std::vector<std::int64_t> from_to(std::int64_t first, std::int64_t last) {
  std::vector<std::int64_t> all;
  for (auto n = first; n <= last; ++n) all.push_back(n);
  return all;
}

/// What a subscriber is told, and when.
struct deliveries {
  virtual_time& time;
  int failures = 0;                         ///< of the next deliveries
  std::vector<std::int64_t> cursors = {};   ///< that were taken
  std::vector<std::int64_t> tried_at = {};  ///< milliseconds since the first try

  deliver_function function() {
    return [this, first = time.now()](const store::event& what) mutable -> status {
      if (tried_at.empty()) first = time.now();
      tried_at.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(time.now() - first).count());
      if (failures-- > 0) return external_error("busy", "not now");
      cursors.push_back(what.cursor);
      return {};
    };
  }
};

}  // namespace

TEST_CASE("a subscriber gets old events from the Store and new ones as they are written, in order, once") {
  newsroom room;
  room.write(600);
  reader subscriber(room);
  CHECK(subscriber.take() == from_to(1, 600));
  room.write(3);
  room.write(2);
  CHECK(subscriber.take() == from_to(601, 605));
}

TEST_CASE("a subscriber that asks for one run, or from a place on, gets these events") {
  newsroom room;
  const std::string other = "00000000-0000-7000-8000-000000000002";
  create(*room.kept, other);
  reader one(room, 0, other);
  reader late(room, 3);
  for (int i = 0; i < 3; ++i) {
    room.write(1);
    room.announce(room.write_quietly(1, other));
  }
  CHECK(one.take() == std::vector<std::int64_t>{2, 4, 6});
  CHECK(late.take() == from_to(4, 6));
}

TEST_CASE("a subscriber to what is new is told when that begins, and gets nothing that came before") {
  newsroom room;
  room.write(600);
  reader subscriber(room, only_new_events);
  room.time.settle();
  REQUIRE(subscriber.self.count<event_batch>() == 1);
  CHECK(subscriber.self.last<event_batch>().events.empty());
  subscriber.self.clear();
  room.write(3);
  CHECK(subscriber.take() == from_to(601, 603));
}

TEST_CASE("a subscriber that does not answer delays nobody and misses nothing") {
  newsroom room;
  reader slow(room);
  room.write(1);
  room.time.settle();
  CHECK(slow.self.count<event_batch>() == 1);  // it says nothing
  reader quick(room);
  for (int i = 0; i < 100; ++i) room.write(10);
  CHECK(quick.take() == from_to(1, 1001));
  room.time.pass(10min);
  CHECK(slow.self.count<event_batch>() == 1);
  CHECK(slow.take() == from_to(1, 1001));
}

TEST_CASE("a Store that hangs keeps nobody from the events that are just being written") {
  newsroom room;
  reader quick(room);
  room.write(1);
  CHECK(quick.take() == from_to(1, 1));
  room.time.stalled = true;
  reader behind(room);
  room.write(1);
  CHECK(quick.take() == from_to(2, 2));
  CHECK(behind.self.silent());
  room.time.stalled = false;
  CHECK(behind.take() == from_to(1, 2));
}

TEST_CASE("events that are announced in another order than they were written come in the order of the Store") {
  newsroom room;
  reader subscriber(room);
  CHECK(subscriber.take().empty());
  const auto first = room.write_quietly(2);
  const auto second = room.write_quietly(1);
  const auto third = room.write_quietly(1);
  room.announce(third);
  room.announce(second);
  CHECK(subscriber.take() == from_to(1, 4));
  room.announce(first);
  CHECK(subscriber.take().empty());
  room.write(1);
  CHECK(subscriber.take() == from_to(5, 5));
}

TEST_CASE("a Store that can't be read is asked again after a second, and nothing is missing then") {
  newsroom room;
  bool gone = true;
  int asked = 0;
  room.store->before = [&](const std::string& call) -> status {
    if (call == "events") ++asked;
    if (gone) return external_error("store_busy", "not now", {}, true);
    return {};
  };
  room.write(2);
  reader subscriber(room);
  CHECK(subscriber.take().empty());
  CHECK(asked == 1);
  room.time.pass(999ms);
  CHECK(asked == 1);
  room.time.pass(10s);
  CHECK(asked == 11);
  room.write(1);
  gone = false;
  room.time.pass(1s);
  CHECK(subscriber.take() == from_to(1, 3));
}

TEST_CASE("a subscriber that dies is forgotten, and the others go on") {
  newsroom room;
  auto short_lived = std::make_unique<reader>(room);
  reader other(room);
  room.write(1);
  CHECK(short_lived->take() == from_to(1, 1));
  const auto before = room.time.alive();
  room.time.kill(short_lived->self);
  room.time.settle();
  CHECK(room.time.alive() == before - 1);
  short_lived.reset();
  room.write(400);
  CHECK(other.take() == from_to(1, 401));
  room.time.kill(room.notifier);
  room.time.settle();
  CHECK(other.take().empty());
}

TEST_CASE("a subscriber that has unsubscribed is told nothing more") {
  newsroom room;
  reader subscriber(room);
  room.write(1);
  CHECK(subscriber.take() == from_to(1, 1));
  subscriber.self.send(room.notifier, unsubscribe_events{subscriber.self});
  room.write(1);
  room.time.pass(5s);
  CHECK(subscriber.self.silent());
}

TEST_CASE("a delivery that fails is tried again with growing pauses, up to half a minute") {
  newsroom room;
  deliveries pager{room.time};
  pager.failures = 12;
  room.subscribe(pager.function(), "pager");
  room.write(2);
  room.time.pass(5min);
  CHECK(pager.tried_at == std::vector<std::int64_t>{0, 100, 300, 700, 1500, 3100, 6300, 12700, 25500, 51100, 81100,
                                                    111100, 141100, 141100});
  CHECK(pager.cursors == from_to(1, 2));
  // What worked in between makes the pauses short again.
  pager.failures = 1;
  pager.tried_at.clear();
  room.write(1);
  room.time.pass(99ms);
  CHECK(pager.cursors == from_to(1, 2));
  room.time.pass(1ms);
  CHECK(pager.cursors == from_to(1, 3));
}

TEST_CASE("a named subscriber continues after what it has taken, also where it was killed in the middle") {
  newsroom room;
  room.write(3);
  deliveries pager{room.time};
  auto running = room.subscribe(pager.function(), "pager");
  room.time.settle();
  CHECK(pager.cursors == from_to(1, 3));
  CHECK(room.kept->cursor_of("pager").value() == 3);
  room.time.kill(running);
  room.time.settle();
  room.write(2);
  // The Store does not take the place: what was told is told again, rather than left out.
  room.store->before = [](const std::string& call) -> status {
    if (call == "set_cursor") return external_error("disk_full", "no room");
    return {};
  };
  pager.cursors.clear();
  running = room.subscribe(pager.function(), "pager");
  room.time.settle();
  CHECK(pager.cursors == from_to(4, 5));
  room.time.kill(running);
  room.store->before = nullptr;
  room.time.settle();
  room.write(1);
  pager.cursors.clear();
  room.subscribe(pager.function(), "pager");
  room.time.settle();
  CHECK(pager.cursors == from_to(4, 6));
  CHECK(room.kept->cursor_of("pager").value() == 6);
}

TEST_CASE("a subscriber whose place can't be read waits for the Store") {
  newsroom room;
  bool gone = true;
  room.store->before = [&](const std::string& call) -> status {
    if (call == "cursor_of" && gone) return external_error("store_busy", "not now", {}, true);
    return {};
  };
  deliveries pager{room.time};
  room.subscribe(pager.function(), "pager");
  room.write(2);
  room.time.pass(1min);
  CHECK(pager.cursors.empty());
  gone = false;
  room.time.pass(31s);
  CHECK(pager.cursors == from_to(1, 2));
}

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream file(text);
  for (std::string line; std::getline(file, line);) all.push_back(line);
  return all;
}

}  // namespace

TEST_CASE("a file of events has each once, whatever a crash left of it") {
  newsroom room;
  const test::temporary_folder folder;
  const auto all = room.write_quietly(3);
  const auto path = folder.file("events.ndjson");
  {
    const auto first = file_subscriber(path, room.store);
    CHECK(first.place(0).value() == 0);
    for (const auto& one : all) CHECK(first.deliver(one).ok());
    // Only one at a time writes it.
    CHECK(file_subscriber(path, room.store).deliver(all[0]).problem().code == "file_locked");
  }
  const auto whole = folder.read("events.ndjson");
  REQUIRE(lines_of(whole).size() == 3);
  std::filesystem::resize_file(path, whole.size() - 20);
  {
    // The Store's opinion of the place is ahead: power went before the file was on disk.
    const auto again = file_subscriber(path, room.store);
    CHECK(again.place(all[2].cursor).value() == all[1].cursor);
    for (const auto& one : all) CHECK(again.deliver(one).ok());
  }
  CHECK(folder.read("events.ndjson") == whole);
  // Events of another Store begin with the same cursors and are other events.
  newsroom other;
  const std::string theirs = "00000000-0000-7000-8000-000000000002";
  create(*other.kept, theirs);
  other.write_quietly(1, theirs);
  const auto next = file_subscriber(path, other.store);
  CHECK(next.place(0).value() == 0);
  CHECK(next.deliver(other.store->events(0, "", 10).value().front()).ok());
  CHECK(lines_of(folder.read("events.ndjson")).size() == 4);
  CHECK(file_subscriber("/proc/nowhere/events", room.store).deliver(all[0]).problem().code == "file_not_found");
}

TEST_CASE("a subscriber gets what other processes write to the same Store, in the order of the commits") {
  const test::temporary_folder folder;
  newsroom room(folder.file("state.db"));
  const auto elsewhere = store::open_sqlite(folder.file("state.db")).value();
  const auto write_elsewhere = [&](int count) {
    for (int i = 0; i < count; ++i)
      REQUIRE(elsewhere->apply({.run = only_run, .events = {{.run = only_run, .type = "unit.finished"}}}).ok());
  };
  reader subscriber(room);
  write_elsewhere(2);
  room.write(1);
  write_elsewhere(1);
  CHECK(subscriber.take() == from_to(1, 4));
  room.time.pass(1s);
  write_elsewhere(3);  // nobody here announces these
  CHECK(subscriber.take().empty());
  room.time.pass(1s);
  CHECK(subscriber.take() == from_to(5, 7));
}

TEST_CASE("a log line says what happened and why") {
  store::event one;
  one.time = 1'700'000'000'123'456;
  one.run = "r";
  one.pipeline = "daily";
  one.type = "run.failed";
  one.data = {{"rejected", 3}, {"cause", {{"code", "disk_full"}, {"message", "no space"}}}};
  CHECK(log_line(one) ==
        "2023-11-14T22:13:20.123Z run.failed run=r pipeline=daily rejected=3 cause=disk_full \"no space\"\n");
}
