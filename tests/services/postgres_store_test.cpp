#include "engine/clients/postgres/connection.hpp"
#include "engine/store/store_place.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

// Run by store_test.py, which starts the server whose address is in SLUICE_TEST_STORE.

using namespace sluice;
using namespace sluice::store;

namespace {

std::string url() {
  const auto* given = std::getenv("SLUICE_TEST_STORE");
  REQUIRE(given != nullptr);
  return given;
}

/// A connection that is no Store's.
struct by_hand {
  interruption never;
  std::unique_ptr<postgres::connection> server = postgres::connection::open(url(), never).value();

  void run(const std::string& sql) {
    const auto done = server->run("SET search_path = sluice; " + sql);
    if (!done.ok()) FAIL(done.problem().message);
  }
  std::string value(const std::string& sql) { return server->rows(sql).value().at(0).at(0).value_or("null"); }
};

std::shared_ptr<store::store> empty_store() {
  by_hand server;
  server.run("DROP SCHEMA IF EXISTS sluice CASCADE");
  return open_store(url()).value();
}

event of_type(const std::string& type) {
  event made;
  made.type = type;
  return made;
}

bool within(std::chrono::seconds limit, const std::function<bool()>& holds) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace

TEST_CASE("no reader skips an event of a writer whose commit is held back", "[postgres-store]") {
  const auto first = empty_store();
  REQUIRE(first->create_run({.id = "a", .pipeline = "p"}, {of_type("run.queued")}).value());
  const auto before = first->last_cursor().value();
  // What the Store itself does, up to its COMMIT.
  by_hand held;
  held.run(
      "BEGIN; SELECT 1 FROM store FOR UPDATE; INSERT INTO events (cursor, run, sequence, type, unit, time, data) "
      "VALUES (" +
      std::to_string(before + 1) + ", '', 1, 'held', '', 1, '{}'); UPDATE store SET cursor = cursor + 1");
  const auto second = open_store(url()).value();
  std::atomic<bool> done = false;
  std::thread writer([&] {
    (void)second->apply({.run = "a", .events = {of_type("later")}});
    done = true;
  });
  by_hand watcher;
  const bool waits = within(std::chrono::seconds(5), [&] {
    return done || watcher.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") != "0";
  });
  CHECK(waits);
  CHECK_FALSE(done);
  CHECK(first->events(before, "", 10)->empty());
  held.run("COMMIT");
  writer.join();
  const auto read = first->events(before, "", 10).value();
  REQUIRE(read.size() == 2);
  CHECK((read[0].type == "held" && read[0].cursor == before + 1));
  CHECK((read[1].type == "later" && read[1].cursor == before + 2));
}

TEST_CASE("what was rolled back leaves no gap between cursors", "[postgres-store]") {
  const auto kept = empty_store();
  REQUIRE(kept->create_run({.id = "a", .pipeline = "p"}, {of_type("run.queued")}).value());
  by_hand server;
  server.run(
      "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$; "
      "CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW WHEN (NEW.type = 'bad') EXECUTE FUNCTION refuse()");
  std::vector<std::thread> writers;
  for (int at = 0; at < 4; ++at)
    writers.emplace_back([&, at] {
      for (int i = 0; i < 25; ++i)
        (void)kept->apply({.run = "a", .events = {of_type("tick"), of_type(at == 0 ? "bad" : "tock")}});
    });
  for (auto& one : writers) one.join();
  const auto all = kept->events(0, "", 1000).value();
  REQUIRE(all.size() == 151);
  for (std::size_t at = 0; at < all.size(); ++at) CHECK(all[at].cursor == static_cast<std::int64_t>(at) + 1);
}

TEST_CASE("a Store of a newer version is refused", "[postgres-store]") {
  (void)empty_store();
  by_hand server;
  server.run("UPDATE store SET version = 99");
  const auto opened = open_store(url());
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.problem().code == "store_too_new");
  CHECK(opened.problem().message.find("postgresql://127.0.0.1") != std::string::npos);
}

TEST_CASE("processes that open a new database at once agree on one Store", "[postgres-store]") {
  by_hand server;
  server.run("DROP SCHEMA IF EXISTS sluice CASCADE");
  std::atomic<int> failures = 0;
  std::vector<std::thread> openers;
  for (int i = 0; i < 6; ++i)
    openers.emplace_back([&, i] {
      const auto opened = open_store(url());
      if (!opened.ok() || !(*opened)->create_run({.id = std::to_string(i), .pipeline = "p"}, {}).ok()) ++failures;
    });
  for (auto& one : openers) one.join();
  CHECK(failures == 0);
  CHECK(open_store(url()).value()->runs({}).value().size() == 6);
}

TEST_CASE("a session that was ended by the server is made again, and its write done once", "[postgres-store]") {
  const auto kept = empty_store();
  REQUIRE(kept->create_run({.id = "a", .pipeline = "p"}, {}).value());
  by_hand server;
  const auto end_all = [&] {
    server.value(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'sluice' AND "
        "pid <> pg_backend_pid()");
  };
  end_all();
  CHECK(kept->apply({.run = "a", .events = {of_type("one")}}).ok());
  end_all();
  CHECK(kept->events(0, "", 10)->size() == 1);
  CHECK(kept->last_cursor().value() == 1);
}

TEST_CASE("who stops within a transaction keeps nobody waiting for long", "[postgres-store]") {
  const auto kept = empty_store();
  REQUIRE(kept->create_run({.id = "a", .pipeline = "p"}, {}).value());
  // As a Store's session whose process was stopped.
  by_hand stopped;
  stopped.run("SET idle_in_transaction_session_timeout = '1s'; BEGIN; SELECT 1 FROM store FOR UPDATE");
  CHECK(kept->apply({.run = "a", .events = {of_type("one")}}).ok());
  CHECK_FALSE(stopped.server->run("COMMIT").ok());
}

TEST_CASE("texts of any bytes come back as they were", "[postgres-store]") {
  const auto kept = empty_store();
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  all += "\xf4\x8f\xbc\x80\xf4\x8f\xbf\xbf\xf4\x8f\xbb\xbf Grüße";
  REQUIRE(kept->create_run({.id = "a", .pipeline = "p", .owner = all, .text = all, .plan = all}, {}).value());
  const auto run = kept->find_run("a").value();
  CHECK(run.text == all);
  CHECK(run.plan == all);
  CHECK(run.owner == all);
}

TEST_CASE("writes events until it is told enough", "[.store-writer]") {
  const auto kept = open_store(url()).value();
  const std::string run = std::getenv("SLUICE_TEST_RUN");
  const auto count = std::atoi(std::getenv("SLUICE_TEST_COUNT"));
  const auto threads = std::atoi(std::getenv("SLUICE_TEST_THREADS"));
  REQUIRE(kept->create_run({.id = run, .pipeline = "p"}, {}).value());
  std::vector<std::thread> writers;
  std::atomic<int> failures = 0;
  const auto begun = std::chrono::steady_clock::now();
  for (int at = 0; at < threads; ++at)
    writers.emplace_back([&] {
      for (int i = 0; i < count; ++i)
        if (!kept->apply({.run = run, .events = {of_type("tick")}}).ok()) ++failures;
    });
  for (auto& one : writers) one.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  CHECK(failures == 0);
  WARN("events per second: " << count * threads / took.count());
}
