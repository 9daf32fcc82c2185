#include "actors/notifier.hpp"

#include "actors/io_pool.hpp"
#include "actors/messages.hpp"
#include "actors/run/run.hpp"
#include "actors/subscribers/file.hpp"
#include "actors/subscribers/log.hpp"
#include "tests/actors/bench_run.hpp"
#include "tests/support/temporary_folder.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <sstream>
#include <thread>

using namespace sluice;
using namespace sluice::actors;
using namespace sluice::actors::testing;
using namespace std::chrono_literals;

namespace {

/// A Store with one run, whose events go through a notifier.
struct newsroom {
  test::temporary_folder folder;
  std::shared_ptr<store::store> store = store::open_sqlite(folder.file("state.db")).value();
  engine inside{store};
  caf::scoped_actor self{inside.system()};
  const caf::actor& notifier = inside.actors().notifier;
  std::string run = "00000000-0000-7000-8000-000000000001";

  newsroom() {
    store::run_record record;
    record.id = run;
    record.pipeline = "daily";
    record.created = 1;
    REQUIRE(store->create_run(record, {}).ok());
  }
  /// Writes events and announces them.
  void write(int count) {
    store::change change;
    change.run = run;
    for (int i = 0; i < count; ++i) change.events.push_back({.run = run, .type = "unit.started", .data = {{"in", i}}});
    auto events = store->apply(change);
    REQUIRE(events.ok());
    self->send(notifier, events_written{*events});
  }
  /// Waits for `count` events and says that they were seen, or not.
  std::vector<std::int64_t> take(std::size_t count, bool seen = true) {
    std::vector<std::int64_t> sequences;
    while (sequences.size() < count) {
      bool came = false;
      self->receive(
          [&](const event_batch& batch) {
            came = true;
            for (const auto& one : batch.events) sequences.push_back(one.sequence);
          },
          caf::after(patience) >> [] {});
      if (!came) break;
      if (seen) self->send(notifier, events_seen{});
    }
    return sequences;
  }
};

std::vector<std::int64_t> from_to(std::int64_t first, std::int64_t last) {
  std::vector<std::int64_t> all;
  for (auto n = first; n <= last; ++n) all.push_back(n);
  return all;
}

}  // namespace

TEST_CASE("a subscriber gets old events from the Store and new ones as they are written, in order, once") {
  newsroom room;
  room.write(600);
  room.self->send(room.notifier, subscribe_events{room.self, 0, ""});
  CHECK(room.take(600) == from_to(1, 600));
  room.write(3);
  room.write(2);
  CHECK(room.take(5) == from_to(601, 605));
}

TEST_CASE("a subscriber that does not answer delays nobody and misses nothing") {
  newsroom room;
  room.self->send(room.notifier, subscribe_events{room.self, 0, room.run});
  room.write(1);
  CHECK(room.take(1, false) == from_to(1, 1));
  auto seen = std::make_shared<std::atomic<int>>(0);
  const auto quick = spawn_subscriber(
      room.inside.system(), room.notifier, [seen](const store::event&) { return ++*seen, status(); }, nullptr, "", 0,
      room.inside.actors().services);
  for (int i = 0; i < 100; ++i) room.write(10);
  CHECK(eventually([&] { return *seen >= 1001; }));
  CHECK(*seen == 1001);
  room.self->send(room.notifier, events_seen{});
  CHECK(room.take(1000) == from_to(2, 1001));
  room.self->send_exit(quick, caf::exit_reason::user_shutdown);
}

TEST_CASE("a named subscriber goes on where it stood, and a delivery that fails is tried again") {
  newsroom room;
  room.write(3);
  auto got = std::make_shared<std::vector<std::int64_t>>();
  auto lock = std::make_shared<std::mutex>();
  auto failures = std::make_shared<std::atomic<int>>(2);
  const auto deliver = [=](const store::event& one) -> status {
    const std::lock_guard guard(*lock);
    if (one.sequence == 2 && (*failures)-- > 0) return external_error("busy", "not now");
    got->push_back(one.sequence);
    return {};
  };
  const auto await = [&](std::size_t count) {
    return eventually([&] {
      const auto cursor = room.store->cursor_of("pager").value();
      const std::lock_guard guard(*lock);
      return got->size() >= count && cursor >= static_cast<std::int64_t>(count);
    });
  };
  const auto start = [&] {
    return spawn_subscriber(room.inside.system(), room.notifier, deliver, room.store, "pager", 0,
                            room.inside.actors().services);
  };
  auto pager = start();
  CHECK(await(3));
  CHECK(*got == from_to(1, 3));
  room.self->send_exit(pager, caf::exit_reason::kill);
  room.self->wait_for(pager);
  room.write(2);
  pager = start();
  CHECK(await(5));
  CHECK(*got == from_to(1, 5));
  room.self->send_exit(pager, caf::exit_reason::user_shutdown);
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
  room.write(3);
  const auto all = room.store->events(0, "", 10).value();
  const auto path = room.folder.file("events.ndjson");
  {
    const auto first = file_subscriber(path, room.store);
    CHECK(first.place(0).value() == 0);
    for (const auto& one : all) CHECK(first.deliver(one).ok());
    // Only one at a time writes it.
    CHECK(file_subscriber(path, room.store).deliver(all[0]).problem().code == "file_locked");
  }
  const auto whole = room.folder.read("events.ndjson");
  REQUIRE(lines_of(whole).size() == 3);
  std::filesystem::resize_file(path, whole.size() - 20);
  {
    // The Store's opinion of the place is ahead: power went before the file was on disk.
    const auto again = file_subscriber(path, room.store);
    CHECK(again.place(all[2].cursor).value() == all[1].cursor);
    for (const auto& one : all) CHECK(again.deliver(one).ok());
  }
  CHECK(room.folder.read("events.ndjson") == whole);
  // Events of another Store begin with the same cursors and are other events.
  newsroom other;
  other.run = "00000000-0000-7000-8000-000000000002";
  store::run_record record;
  record.id = other.run;
  record.pipeline = "other";
  REQUIRE(other.store->create_run(record, {}).ok());
  other.write(1);
  const auto next = file_subscriber(path, other.store);
  CHECK(next.place(0).value() == 0);
  CHECK(next.deliver(other.store->events(0, "", 10).value().front()).ok());
  CHECK(lines_of(room.folder.read("events.ndjson")).size() == 4);
  CHECK(file_subscriber("/proc/nowhere/events", room.store).deliver(all[0]).problem().code == "file_not_found");
}

TEST_CASE("a subscriber gets what other processes write to the same Store, in the order of the commits") {
  newsroom room;
  const auto elsewhere = store::open_sqlite(room.folder.file("state.db")).value();
  const auto write_elsewhere = [&](int count) {
    for (int i = 0; i < count; ++i)
      REQUIRE(elsewhere->apply({.run = room.run, .events = {{.run = room.run, .type = "unit.finished"}}}).ok());
  };
  room.self->send(room.notifier, subscribe_events{room.self, 0, ""});
  write_elsewhere(2);
  room.write(1);
  write_elsewhere(1);
  CHECK(room.take(4) == from_to(1, 4));
  write_elsewhere(3);  // nobody here announces these
  CHECK(room.take(3) == from_to(5, 7));
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
