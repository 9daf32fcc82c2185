#include "cluster/http/server.hpp"

#include "cluster/http/admission.hpp"
#include "cluster/http_client.hpp"
#include "tests/support/closed_port.hpp"
#include "tests/support/hooked_store.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/temporary_folder.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

using namespace sluice;
using namespace sluice::cluster;
using test::patience;
using namespace std::chrono_literals;

namespace {

const std::string token = "0123456789abcdef0123456789abcdef";

/// A disk that hangs while `hang` is set.
class disk {
 public:
  void hang(bool on) {
    const std::lock_guard guard(lock_);
    hangs_ = on;
    changed_.notify_all();
  }
  void call() {
    std::unique_lock guard(lock_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(guard, [&] { return !hangs_; });
    --waiting_;
  }
  void wait_for_waiting(int calls) {
    std::unique_lock guard(lock_);
    changed_.wait(guard, [&] { return waiting_ >= calls; });
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool hangs_ = false;
};

/// A Store with a server on it, which hears of new events when `wake` says so.
struct served {
  test::temporary_folder folder;
  std::shared_ptr<store::store> kept = store::open_sqlite(folder.file("sluice.db")).value();
  std::mutex lock;
  api_handlers::news_function news;  ///< set as soon as somebody waits for events
  std::int64_t told = 0;             ///< cursor of the newest event that it was told of
  std::unique_ptr<http_server> server;

  explicit served(api_handlers handlers = {}) {
    if (!handlers.store) handlers.store = kept;
    handlers.state_folder = folder.path().string();
    handlers.subscribe = [this](api_handlers::news_function to) {
      const std::lock_guard guard(lock);
      news = std::move(to);
      told = kept->last_cursor().value();
      news({}, [] {});
      return std::make_shared<int>();
    };
    auto started = http_server::start({"127.0.0.1", 0}, token, std::move(handlers));
    REQUIRE(started.ok());
    server = std::move(started).value();
  }

  void wake() {
    const std::lock_guard guard(lock);
    auto fresh = kept->events(told, "", 1000).value();
    if (!news || fresh.empty()) return;
    told = fresh.back().cursor;
    news(std::move(fresh), [] {});
  }
  [[nodiscard]] http_client client(const std::string& with = token) const { return {server->where(), with, patience}; }

  std::string make_run(const std::string& pipeline) {
    store::run_record run;
    run.id = "0192f0c1-7f3e-7000-8000-00000000000" + std::to_string(++made_);
    run.pipeline = pipeline;
    run.state = store::run_state::running;
    run.created = 1;
    REQUIRE(kept->create_run(run, {event("run.started")}).ok());
    return run.id;
  }
  static store::event event(const std::string& type) {
    store::event one;
    one.type = type;
    one.time = 1;
    one.data = options::object();
    return one;
  }
  void add(const std::string& run, const std::string& type, std::optional<store::run_state> state = {}) {
    store::change what;
    what.run = run;
    what.state = state;
    what.events = {event(type)};
    const auto applied = kept->apply(what);
    INFO((applied.ok() ? std::string() : applied.problem().to_string()));
    REQUIRE(applied.ok());
  }

 private:
  int made_ = 0;
};

/// Sends bytes over a plain socket and reads until the other side closes.
std::string raw(const address& to, const std::string& bytes) {
  const int file = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(to.port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(file, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
  for (std::size_t at = 0; at < bytes.size();) {
    const auto sent = ::send(file, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (sent <= 0) break;
    at += static_cast<std::size_t>(sent);
  }
  ::shutdown(file, SHUT_WR);
  std::string got;
  char chunk[4096];
  for (ssize_t count = 0; (count = ::recv(file, chunk, sizeof chunk, 0)) > 0;)
    got.append(chunk, static_cast<std::size_t>(count));
  ::close(file);
  return got;
}

}  // namespace

TEST_CASE("the API wants the token, health checks do not") {
  served with;
  for (const auto& wrong : {std::string(), std::string("x"), token + "0"}) {
    const auto refused = with.client(wrong).get("/v1/runs");
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.problem().code == "unauthorized");
    CHECK(with.client(wrong).get_text("/metrics").problem().code == "unauthorized");
    CHECK(with.client(wrong).follow_events("", 0, [](auto, const auto&) { return false; }).problem().code ==
          "unauthorized");
    CHECK(with.client(wrong).get_text("/healthz").value() == "ok\n");
    CHECK(with.client(wrong).get_text("/readyz").value() == "ready\n");
  }
  CHECK(with.client().get("/v1/runs").value()["runs"].empty());
}

TEST_CASE("runs are listed and found by id, prefix and name") {
  served with;
  const auto run = with.make_run("daily");
  CHECK(with.client().get("/v1/runs").value()["runs"][0]["id"] == run);
  CHECK(with.client().get("/v1/runs?pipeline=other").value()["runs"].empty());
  CHECK(with.client().get("/v1/runs?state=running&limit=1").value()["runs"].size() == 1);
  CHECK(with.client().get("/v1/runs/" + run).value()["pipeline"] == "daily");
  CHECK(with.client().get("/v1/runs/last").value()["state"] == "running");
  CHECK(with.client().get("/v1/runs/nothing").problem().code == "run_not_found");
  CHECK(with.client().get("/v1/runs?state=wrong").problem().code == "invalid_query");
  CHECK(with.client().get("/v1/other").problem().code == "unknown_path");
  CHECK(with.client().get_text("/metrics").value().find("sluice_runs{state=\"running\"} 1\n") != std::string::npos);
}

TEST_CASE("a submission comes back as a run or as all faults of the pipeline") {
  submission seen;
  api_handlers handlers;
  handlers.submit = [&](const submission& what, diagnostics& faults) -> result<submitted_run> {
    seen = what;
    if (what.text == "good") return submitted_run{.id = "run-1", .repeated = what.key == "again"};
    faults = {user_error("unknown_column", "no column x", "did you mean y?"), user_error("cycle", "a cycle")};
    faults[0].at = {"p.yaml", 14, 22};
    return faults[0];
  };
  served with(std::move(handlers));
  diagnostics faults;
  const auto run =
      with.client().submit({"good", "p.yaml", "/work", {{"day", "2024-05-01"}}, {{"HOME", "/root"}}}, faults);
  REQUIRE(run.ok());
  CHECK(*run == "run-1");
  CHECK(seen.file == "p.yaml");
  CHECK(seen.base_folder == "/work");
  CHECK(seen.params.at("day") == "2024-05-01");
  CHECK(seen.environment.at("HOME") == "/root");

  const auto refused = with.client().submit({"bad", "p.yaml", "/work", {}, {}}, faults);
  CHECK(refused.problem().code == "unknown_column");
  REQUIRE(faults.size() == 2);
  CHECK(faults[0].at.line == 14);
  CHECK(faults[0].at.column == 22);
  CHECK(faults[0].hint == "did you mean y?");
  CHECK(faults[0].to_blame == blame::user);
  CHECK(faults[1].code == "cycle");

  CHECK(with.client().post("/v1/runs", {{"text", "good"}, {"base_folder", "relative"}}).problem().code ==
        "invalid_request");
  CHECK(with.client().post("/v1/runs", {{"txt", "good"}, {"text", "good"}, {"base_folder", "/"}}).problem().hint ==
        "did you mean 'text'?");
  CHECK(with.client().post("/v1/runs", options("no object")).problem().code == "invalid_request");

  CHECK(with.client().submit({"good", "p.yaml", "/work", {}, {}, false, {}, false, {}, "first"}, faults).ok());
  CHECK(seen.key == "first");
  CHECK(with.client()
            .submit({"good", "p.yaml", "/work", {}, {}, false, {}, false, {}, "with blanks"}, faults)
            .problem()
            .code == "invalid_request");
}

TEST_CASE("a page of runs says where the next one begins") {
  served with;
  std::vector<std::string> made;
  for (int i = 0; i < 5; ++i) made.push_back(with.make_run("daily"));
  const auto first = with.client().get("/v1/runs?limit=2").value();
  CHECK(first["runs"][0]["id"] == made[4]);
  CHECK(first["next"] == made[3]);
  (void)with.make_run("daily");  // one more does not shift the pages
  const auto second = with.client().get("/v1/runs?limit=2&after=" + first["next"].text()).value();
  CHECK(second["runs"][0]["id"] == made[2]);
  const auto last = with.client().get("/v1/runs?limit=2&after=" + second["next"].text()).value();
  CHECK(last["runs"].size() == 1);
  CHECK_FALSE(last.contains("next"));
  CHECK(with.client().get("/v1/runs?after=nothing").problem().code == "run_not_found");
}

TEST_CASE("parameters that a path does not have, or that have a wrong value, are refused") {
  served with;
  const auto refused = [&](const std::string& target) { return with.client().get(target).problem(); };
  CHECK(refused("/v1/runs?limits=2").hint == "did you mean 'limit'?");
  CHECK(refused("/v1/runs?limit=0").message == "limit must be between 1 and 1000, found '0'");
  CHECK(refused("/v1/runs?limit=many").code == "invalid_query");
  CHECK(refused("/v1/runs?state=runing").hint == "did you mean 'running'?");
  CHECK(refused("/v1/events?wait=2h").message == "wait must be at most 60s, found '2h'");
  CHECK(refused("/v1/events?wait=soon").code == "invalid_query");
  CHECK(refused("/v1/events?after=-1").code == "invalid_query");
  CHECK(refused("/v1/nodes?limit=1").hint == "it takes none");
  const auto got = raw(with.server->where(),
                       "DELETE /v1/runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token + "\r\n\r\n");
  CHECK(got.find("HTTP/1.1 405") == 0);
  CHECK(got.find("Allow: GET, POST\r\n") != std::string::npos);
}

TEST_CASE("who polls gets events at once, as soon as there are some, or none when the time is over") {
  test::temporary_folder folder;
  const auto kept = std::make_shared<test::hooked_store>(store::open_sqlite(folder.file("sluice.db")).value());
  std::atomic<int> looks = 0;
  kept->before = [&](const std::string& call) {
    if (call == "events") ++looks;
    return status();
  };
  api_handlers handlers;
  handlers.store = kept;
  served with(std::move(handlers));
  with.kept = kept;
  const auto run = with.make_run("daily");
  const auto client = with.client();
  const auto there = client.get("/v1/events?after=0&wait=60s").value();
  CHECK(there["events"].size() == 1);
  CHECK(there["cursor"] == 1);
  CHECK(there["ended"] == false);
  const auto none = client.get("/v1/events?after=1&wait=0s").value();
  CHECK(none["events"].empty());
  CHECK(none["cursor"] == 1);

  const int before = looks;
  auto waits = std::async(std::launch::async, [&] { return client.get("/v1/runs/daily/events?after=1&wait=60s"); });
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (looks == before && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  with.add(run, "unit.started");
  with.wake();
  const auto came = waits.get();
  REQUIRE(came.ok());
  CHECK((*came)["events"][0]["type"] == "unit.started");
  CHECK((*came)["cursor"] == 2);

  with.add(run, "run.failed", store::run_state::failed);
  const auto last = client.get("/v1/runs/daily/events?after=2&wait=60s").value();
  CHECK(last["ended"] == true);
  CHECK(client.get("/v1/runs/daily/events?after=3&wait=60s").value()["ended"] == true);
  CHECK(client.get("/v1/runs/daily/events?limit=2&wait=0s").value()["events"].size() == 2);
}

TEST_CASE("a server that ends answers who polls") {
  served with;
  (void)with.make_run("daily");
  auto waits =
      std::async(std::launch::async, [client = with.client()] { return client.get("/v1/events?after=1&wait=60s"); });
  const auto give_up = std::chrono::steady_clock::now() + patience;
  const auto subscribed = [&] {
    const std::lock_guard guard(with.lock);
    return static_cast<bool>(with.news);
  };
  while (!subscribed() && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  with.server->drain();
  const auto answer = waits.get();
  REQUIRE(answer.ok());
  CHECK((*answer)["events"].empty());
}

TEST_CASE("cancel reaches a live run, and is told where there is none") {
  std::string asked;
  api_handlers handlers;
  std::string run;
  handlers.cancel = [&](const std::string& whole_id) -> result<bool> {
    if (whole_id != run) return false;
    asked = whole_id;
    return true;
  };
  served with(std::move(handlers));
  run = with.make_run("daily");
  CHECK(with.client().cancel("daily")->value("state", "") == "cancelling");
  CHECK(asked == run);
  asked.clear();
  const auto ended = std::exchange(run, "");
  CHECK(with.client().cancel(ended).problem().code == "run_elsewhere");
  with.add(ended, "run.cancelled", store::run_state::cancelled);
  CHECK(with.client().cancel(ended)->value("state", "") == "cancelled");
  CHECK(asked.empty());
  CHECK(with.client().cancel("nothing").problem().code == "run_not_found");
}

TEST_CASE("a live run is cancelled while the Store's disk hangs and every thread that reads it waits") {
  test::temporary_folder folder;
  const auto kept = std::make_shared<test::hooked_store>(store::open_sqlite(folder.file("sluice.db")).value());
  disk slow;
  kept->before = [&](const std::string& call) {
    if (call == "find_run") slow.call();
    return status();
  };
  std::string run;
  api_handlers handlers;
  handlers.store = kept;
  handlers.cancel = [&](const std::string& whole_id) -> result<bool> { return whole_id == run; };
  served with(std::move(handlers));
  with.kept = kept;
  run = with.make_run("daily");

  slow.hang(true);
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) readers.emplace_back([&] { (void)with.client().get("/v1/runs/last"); });
  slow.wait_for_waiting(2);
  const auto told = with.client().cancel(run);
  const auto health = with.client().get_text("/healthz");
  slow.hang(false);
  for (auto& reader : readers) reader.join();
  REQUIRE(told.ok());
  CHECK(told->value("state", "") == "cancelling");
  CHECK(health.ok());
}

TEST_CASE("a stream of events brings the old ones, then new ones, and ends with its run") {
  served with;
  const auto run = with.make_run("daily");
  with.add(run, "unit.started");
  const auto other = with.make_run("other");
  std::vector<std::string> types;
  std::vector<std::int64_t> cursors;
  std::mutex lock;
  std::condition_variable came;
  // Its result is looked at here: only one thread may assert.
  auto watcher = std::async(std::launch::async, [&] {
    return with.client().follow_events(run, 0, [&](std::int64_t cursor, const options& event) {
      const std::lock_guard guard(lock);
      types.push_back(event["type"].text());
      cursors.push_back(cursor);
      came.notify_all();
      return true;
    });
  });
  {
    std::unique_lock guard(lock);
    CHECK(came.wait_for(guard, patience, [&] { return types.size() == 2; }));
  }
  with.add(other, "run.failed", store::run_state::failed);
  with.add(run, "run.succeeded", store::run_state::succeeded);
  with.wake();
  CHECK(watcher.get().ok());
  CHECK(types == std::vector<std::string>{"run.started", "unit.started", "run.succeeded"});
  CHECK(std::is_sorted(cursors.begin(), cursors.end()));

  // From a cursor on; nothing is left after the last.
  types.clear();
  const auto take = [&](std::int64_t, const options& event) { return types.push_back(event["type"].text()), true; };
  CHECK(with.client().follow_events(run, cursors[1], take).ok());
  CHECK(types == std::vector<std::string>{"run.succeeded"});
  CHECK(with.client().follow_events(run, cursors[2], take).ok());
  CHECK(types.size() == 1);
}

TEST_CASE("a stream catches up with more events than it holds in memory") {
  served with;
  const auto run = with.make_run("daily");
  store::change many;
  many.run = run;
  many.events.assign(1000, served::event("unit.progress"));
  REQUIRE(with.kept->apply(many).ok());
  with.add(run, "run.failed", store::run_state::failed);
  int count = 0;
  CHECK(with.client().follow_events(run, 0, [&](auto, const auto&) { return ++count, true; }).ok());
  CHECK(count == 1002);
}

TEST_CASE("events are also to be had as lines, without waiting") {
  served with;
  const auto run = with.make_run("daily");
  with.add(run, "unit.started");
  const auto got = raw(with.server->where(),
                       "GET /v1/events?follow=false HTTP/1.1\r\nHost: localhost\r\nAccept: "
                       "application/x-ndjson\r\nLast-Event-ID: 1\r\nAuthorization: Bearer " +
                           token + "\r\n\r\n");
  CHECK(got.find("HTTP/1.1 200") == 0);
  CHECK(got.find("run.started") == std::string::npos);
  CHECK(got.find("\"type\":\"unit.started\"") != std::string::npos);
}

TEST_CASE("rejects are read from the run's file") {
  served with;
  const auto run = with.make_run("daily");
  CHECK(with.client().get_text("/v1/runs/" + run + "/rejects").value().empty());
  (void)with.folder.write("runs/" + run + "/rejects.ndjson", "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
  CHECK(with.client().get_text("/v1/runs/daily/rejects?skip=1&limit=1").value() == "{\"a\":2}\n");
}

TEST_CASE("a foreign client is refused and the server goes on") {
  served with;
  const auto where = with.server->where();
  CHECK(raw(where, std::string("\x16\x03\x01\x02", 4) + std::string(300, '\x01')).find("HTTP/1.1 400") == 0);
  CHECK(raw(where, "GET /" + std::string(20000, 'x') + " HTTP/1.1\r\n\r\n").find("HTTP/1.1 431") == 0);
  CHECK(raw(where, "POST /v1/runs HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n").find("HTTP/1.1 413") == 0);
  CHECK(raw(where, "GET /%zz HTTP/1.1\r\n\r\n").find("HTTP/1.1 400") == 0);
  CHECK(raw(where, "").empty());
  CHECK(with.client().get("/v1/runs").ok());
}

TEST_CASE("the token is looked at before a body is read") {
  served with;
  const auto where = with.server->where();
  const std::string post = "POST /v1/runs HTTP/1.1\r\nHost: localhost\r\n";
  const std::string megabyte(1 << 20, 'x');
  CHECK(raw(where, post + "Content-Length: 8000000\r\n\r\n" + megabyte).find("HTTP/1.1 401") == 0);
  CHECK(raw(where, post + "Transfer-Encoding: chunked\r\n\r\n5;a=" + megabyte).find("HTTP/1.1 401") == 0);
  CHECK(raw(where, post + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: " + megabyte).find("HTTP/1.1 401") == 0);
  CHECK(raw(where, post + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n").find("HTTP/1.1 401") == 0);
}

TEST_CASE("bodies come in one piece or in chunks, and nothing around the chunks grows") {
  std::string seen;
  api_handlers handlers;
  handlers.submit = [&](const submission& what, diagnostics&) -> result<submitted_run> {
    seen = what.text;
    return submitted_run{.id = "run-1"};
  };
  served with(std::move(handlers));
  const auto where = with.server->where();
  const std::string post =
      "POST /v1/runs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer " + token + "\r\n";
  const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
  const std::string megabyte(1 << 20, 'x');
  CHECK(raw(where, chunked + "8;note=1\r\n{\"text\":\r\n1b\r\n\"chunks\",\"base_folder\":\"/\"}\r\n0\r\n\r\n")
            .find("HTTP/1.1 201") == 0);
  CHECK(seen == "chunks");
  const std::string body = R"({"text":"asked","base_folder":"/"})";
  const auto continued =
      raw(where, post + "Expect: 100-continue\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  CHECK(continued.find("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201") == 0);
  CHECK(seen == "asked");
  CHECK(raw(where, chunked + "5;a=" + megabyte).find("HTTP/1.1 400") == 0);
  CHECK(raw(where, chunked + "1\r\na\r\n0\r\nX: " + megabyte).find("HTTP/1.1 4") == 0);
  std::string trailers;
  for (int i = 0; i < 50000; ++i) trailers += "a: b\r\n";
  CHECK(raw(where, chunked + "1\r\na\r\n0\r\n" + trailers + "\r\n").find("HTTP/1.1 400") == 0);
  std::string pieces;
  for (int i = 0; i < 20000; ++i) pieces += "1;" + std::string(100, 'e') + "\r\nx\r\n";
  CHECK(raw(where, chunked + pieces).find("HTTP/1.1 413") == 0);
  std::string fields;
  for (int i = 0; i < 3000; ++i) fields += "a:\r\n";
  CHECK(raw(where, "GET /healthz HTTP/1.1\r\n" + fields + "\r\n").find("HTTP/1.1 431") == 0);
}

TEST_CASE("more requests than are answered at once wait for their turn, and health checks wait for none") {
  disk slow;
  api_handlers handlers;
  handlers.submit = [&](const submission&, diagnostics&) -> result<submitted_run> {
    return slow.call(), submitted_run{.id = "run-1"};
  };
  served with(std::move(handlers));
  slow.hang(true);
  constexpr std::size_t many = 200;
  std::vector<std::future<bool>> asked;
  for (std::size_t i = 0; i < many; ++i)
    asked.push_back(std::async(std::launch::async, [client = with.client()] {
      diagnostics faults;
      return client.submit({"good", "p.yaml", "/work", {}, {}}, faults).ok();
    }));
  slow.wait_for_waiting(2);
  for (int i = 0; i < 20; ++i) CHECK(with.client("").get_text("/healthz").ok());
  slow.hang(false);
  std::size_t well = 0;
  for (auto& each : asked) well += each.get() ? 1 : 0;
  CHECK(well == many);
}

TEST_CASE("connections that say nothing make room for those that do") {
  served with;
  std::vector<int> held;
  for (int i = 0; i < 600; ++i) {
    const int file = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(with.server->where().port);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(file, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
    REQUIRE(::send(file, "GET /heal", 9, MSG_NOSIGNAL) == 9);
    held.push_back(file);
  }
  CHECK(with.client().get("/v1/runs").ok());
  CHECK(with.client().get_text("/healthz").ok());
  // The first ones were closed for it.
  char byte = 0;
  CHECK(::recv(held.front(), &byte, 1, 0) <= 0);
  for (const int file : held) ::close(file);
}

TEST_CASE("room is shared out in turn") {
  admission room(10, 3);
  std::vector<int> called;
  const auto enter = [&](int number, std::int64_t amount) {
    return room.enter(amount, [&called, number] { called.push_back(number); });
  };
  CHECK(enter(1, 6));
  CHECK(enter(2, 6));
  CHECK(enter(3, 1));  // behind the one before, though there were room
  CHECK(called == std::vector<int>{1});
  CHECK(enter(4, 10));
  CHECK_FALSE(enter(5, 1));
  room.leave(6);
  CHECK(called == std::vector<int>{1, 2, 3});
  room.leave(6);
  room.leave(1);
  CHECK(called == std::vector<int>{1, 2, 3, 4});
  room.leave(10);
  CHECK(room.waiting() == 0);
}

TEST_CASE("a port in use and an address off loopback are refused") {
  served with;
  CHECK(http_server::start(with.server->where(), token, {}).problem().code == "port_in_use");
  CHECK(http_server::start({"0.0.0.0", 0}, token, {}).problem().code == "tls_required");
}

TEST_CASE("a server ends while streams are open, and its clients are told") {
  auto with = std::make_unique<served>();
  const auto run = with->make_run("daily");
  std::promise<void> started;
  const auto client = with->client();
  auto watcher = std::async(std::launch::async, [&] {
    return client.follow_events(
        run, 0, [&](auto, const auto&) { return started.set_value(), true; }, {}, 300ms);
  });
  CHECK(started.get_future().wait_for(patience) == std::future_status::ready);
  with->server->drain();
  with->server.reset();
  const auto ended = watcher.get();
  REQUIRE_FALSE(ended.ok());
  CHECK(ended.problem().code == "node_unreachable");
}

TEST_CASE("a request that is at work when the server ends gets its answer") {
  disk slow;
  slow.hang(true);
  api_handlers handlers;
  handlers.cancel = [&](const std::string&) -> result<bool> { return slow.call(), true; };
  served with(std::move(handlers));
  const auto client = with.client();
  auto asked = std::async(std::launch::async, [&] { return client.cancel("some-run"); });
  slow.wait_for_waiting(1);
  with.server->drain();  // waits for a while, and then has nothing to do but that answer
  slow.hang(false);
  const auto answer = asked.get();
  INFO((answer.ok() ? std::string() : answer.problem().to_string()));
  REQUIRE(answer.ok());
  CHECK(answer->value("state", "") == "cancelling");
}

TEST_CASE("nobody there is told as such") {
  const test::closed_port closed;
  const address where{"127.0.0.1", closed.number()};
  const auto refused = http_client(where, token).get("/v1/runs");
  CHECK(refused.problem().code == "node_unreachable");
  CHECK(refused.problem().message.find(where.to_string()) != std::string::npos);
}
