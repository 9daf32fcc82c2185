// How long after an event is durable its first attempt reaches a receiver: guarantee 7 of docs/notifications.md.
//
//   bench_notify [events a second] [seconds] [rules] [streams]
//
// One process, as a node is: the Store on disk (synchronous=FULL, group commit), the notifier, the dispatcher and the
// HTTP server. Each event matches two of the rules, whose receivers are webhooks of this process; every tenth rule has
// one that hangs or fails, and does not count. Streams receive all events. Prints one line of JSON.

#include "actors/delivery/dispatcher.hpp"
#include "actors/messages.hpp"
#include "actors/run/run.hpp"
#include "benchmarks/notify/receivers.hpp"
#include "cluster/engine_api.hpp"
#include "cluster/http/server.hpp"
#include "cluster/token.hpp"
#include "engine/store/deliveries.hpp"
#include "engine/store/store.hpp"
#include "engine/values/uuid.hpp"

#include <sys/resource.h>
#include <caf/all.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <thread>

namespace {

using namespace sluice;
using namespace std::chrono_literals;

constexpr const char* pipeline = "bench";
constexpr int writers = 8;  ///< runs that write at the same time

struct settings {
  int rate = 1000;
  int seconds = 20;
  int rules = 100;
  int streams = 20;
};

bool is_odd_one(int rule) { return rule % 10 == 9; }

std::vector<store::subscription> rules(const settings& how, int port) {
  std::vector<store::subscription> all;
  for (int at = 0; at < how.rules; ++at) {
    const auto name = "r" + std::to_string(at);
    const auto path = !is_odd_one(at) ? "/ok/" : at % 20 == 9 ? "/hang/" : "/fail/";
    store::subscription made{.id = std::string(pipeline) + "/" + name, .pipeline = pipeline, .name = name};
    made.spec = options{
        {"rule", {{"when", "data.epoch = " + std::to_string(at % (how.rules / 2))}, {"to", options::array({name})}}},
        {"channels",
         {{name,
           {{"kind", "webhook"},
            {"folder", "/"},
            {"own",
             {{"url", "http://127.0.0.1:" + std::to_string(port) + path + std::to_string(at)},
              {"allow_private", true}}}}}}},
        {"params", options::object()}};
    all.push_back(std::move(made));
  }
  return all;
}

/// Writes events as the journals of runs do, at a rate; notes when each was durable.
class producer {
 public:
  producer(std::shared_ptr<store::store> in, caf::actor_system& system, caf::actor notifier, const settings& how)
      : store_(std::move(in)), system_(system), notifier_(std::move(notifier)), how_(how) {}

  void run() {
    std::vector<std::thread> all;
    const auto begin = std::chrono::steady_clock::now();
    for (int at = 0; at < writers; ++at) all.emplace_back([this, at, begin] { write(at, begin); });
    for (auto& one : all) one.join();
    took_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  [[nodiscard]] const std::map<std::int64_t, std::int64_t>& durable() const { return durable_; }
  [[nodiscard]] double took() const { return took_; }

 private:
  void write(int number, std::chrono::steady_clock::time_point begin) {
    store::run_record record;
    record.id = uuid_v7();
    record.pipeline = pipeline;
    (void)store_->create_run(record, {{.run = record.id, .type = "run.queued"}});
    const auto count = how_.rate * how_.seconds / writers;
    const auto pause = std::chrono::nanoseconds(1'000'000'000LL * writers / how_.rate);
    for (int at = 0; at < count; ++at) {
      std::this_thread::sleep_until(begin + pause * at + pause * number / writers);
      store::event event{.run = record.id, .type = "checkpoint.completed"};
      event.data = options{{"epoch", (at * writers + number) % (how_.rules / 2)}, {"rows", at}, {"state_bytes", 1024}};
      auto written = store_->apply({.run = record.id, .events = {std::move(event)}});
      const auto now = bench::ticks();
      if (!written.ok()) {
        std::cerr << written.problem().message << std::endl;
        continue;
      }
      {
        const std::lock_guard guard(lock_);
        durable_[written->front().cursor] = now;
      }
      caf::anon_send(notifier_, actors::events_written{std::move(*written)});
    }
  }

  std::shared_ptr<store::store> store_;
  caf::actor_system& system_;
  caf::actor notifier_;
  settings how_;
  std::mutex lock_;
  std::map<std::int64_t, std::int64_t> durable_;
  double took_ = 0;
};

/// When each rule was told of each event, by rule and cursor.
std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> first_attempts(const std::vector<bench::arrival>& taken) {
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> first;
  for (const auto& one : taken) first.try_emplace({one.rule, one.cursor}, one.at);
  return first;
}

double at_share(const std::vector<double>& sorted, double share) {
  return sorted.empty() ? -1
                        : sorted[std::min(sorted.size() - 1,
                                          static_cast<std::size_t>(share * static_cast<double>(sorted.size())))];
}

std::int64_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::int64_t all = 0;
  std::int64_t resident = 0;
  in >> all >> resident;
  return resident * 4096;
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& of) {
    return static_cast<double>(of.tv_sec) + static_cast<double>(of.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

int run(const settings& how) {
  const auto folder = std::filesystem::temp_directory_path() / ("bench-notify-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
  const auto opened = store::open_sqlite((folder / "sluice.db").string());
  if (!opened.ok()) return std::cerr << opened.problem().message << std::endl, 1;
  const auto store = *opened;
  bench::receivers receivers;
  {
    actors::engine engine(store, "bench");
    if (const auto kept = store::deliveries_of(*store).subscribe(pipeline, rules(how, receivers.port())); !kept.ok())
      return std::cerr << kept.problem().message << std::endl, 1;
    const auto beside = engine.actors();
    const auto dispatcher = actors::spawn_dispatcher(
        engine.system(), {.services = beside.services, .store = store, .notifier = beside.notifier});
    const auto server = cluster::serve_engine(engine, store, folder.string());
    if (!server.ok()) return std::cerr << server.problem().message << std::endl, 1;
    const auto token = cluster::ensure_token(folder.string());
    std::vector<std::unique_ptr<bench::stream_reader>> streams;
    for (int at = 0; at < how.streams; ++at)
      streams.push_back(std::make_unique<bench::stream_reader>("127.0.0.1", (*server)->where().port, *token));
    // Until every rule is taken and at work.
    caf::scoped_actor self(engine.system());
    for (bool ready = false; !ready;) {
      self->request(dispatcher, 10s, actors::get_delivery_progress{0, 0, true})
          .receive(
              [&](const actors::delivery_progress& told) {
                ready = told.subscriptions == static_cast<std::size_t>(how.rules);
              },
              [](const caf::error&) {});
      if (!ready) std::this_thread::sleep_for(100ms);
    }
    const auto cpu_before = cpu_seconds();
    producer making(store, engine.system(), beside.notifier, how);
    making.run();
    const auto newest = *store->last_cursor();
    const auto limit = std::chrono::steady_clock::now() + 120s;
    // Each event goes to two rules, of which some hang or fail.
    std::int64_t wanted = 0;
    for (const auto& [cursor, at] : making.durable()) {
      const auto events = store->events(cursor - 1, "", 1);
      const auto key = static_cast<int>(events->front().data["epoch"].get<std::int64_t>());
      for (int rule = key; rule < how.rules; rule += how.rules / 2) wanted += is_odd_one(rule) ? 0 : 1;
    }
    while (std::chrono::steady_clock::now() < limit) {
      bool streamed = true;
      for (const auto& one : streams) streamed = streamed && one->last() >= newest;
      if (streamed && static_cast<std::int64_t>(first_attempts(receivers.taken()).size()) >= wanted) break;
      std::this_thread::sleep_for(50ms);
    }
    std::vector<double> waits;
    const auto taken = receivers.taken();
    for (const auto& [what, at] : first_attempts(taken))
      if (const auto found = making.durable().find(what.second); found != making.durable().end())
        waits.push_back(static_cast<double>(at - found->second) / 1e6);
    std::sort(waits.begin(), waits.end());
    std::int64_t streamed = 0;
    for (const auto& one : streams) streamed += one->events();
    std::cout << options{{"events", making.durable().size()},
                         {"events_per_second", static_cast<double>(making.durable().size()) / making.took()},
                         {"rules", how.rules},
                         {"streams", how.streams},
                         {"attempts", waits.size()},
                         {"attempts_wanted", wanted},
                         {"repeated", taken.size() - first_attempts(taken).size()},
                         {"streamed", streamed},
                         {"p50_ms", at_share(waits, 0.5)},
                         {"p95_ms", at_share(waits, 0.95)},
                         {"p99_ms", at_share(waits, 0.99)},
                         {"most_ms", waits.empty() ? -1 : waits.back()},
                         {"cpu_seconds_per_second", (cpu_seconds() - cpu_before) / making.took()},
                         {"resident_bytes", resident_bytes()}}
                     .dump()
              << std::endl;
    streams.clear();
    (*server)->drain();
    // Receivers that hang would hold the engine up at its end: what was to be measured is measured.
    std::cout.flush();
    std::filesystem::remove_all(folder);
    std::_Exit(0);
  }
}

}  // namespace

int main(int argc, char** argv) {
  settings how;
  int* const values[] = {&how.rate, &how.seconds, &how.rules, &how.streams};
  for (int at = 1; at < argc && at <= 4; ++at) *values[at - 1] = std::atoi(argv[at]);
  if (how.rate < writers || how.seconds < 1 || how.rules < 2 || how.streams < 0) {
    std::cerr << "bench_notify [events a second] [seconds] [rules] [streams]" << std::endl;
    return 2;
  }
  return run(how);
}
