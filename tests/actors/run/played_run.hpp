#pragma once

#include "tests/actors/bench_run.hpp"
#include "tests/actors/virtual_time.hpp"
#include "tests/support/hooked_store.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::actors::testing {

/// What stands around supervisors: a Store in memory, a notifier, an owner and a starter that the test plays, and a
/// plan of numbers -> shelf, whose two units (and enumerator) the test plays too.
struct stage {
  virtual_time time;
  std::shared_ptr<store::store> kept = store::open_sqlite(":memory:").value();
  std::shared_ptr<test::hooked_store> store = std::make_shared<test::hooked_store>(kept);
  bench job{kept};
  std::shared_ptr<shelf> to = std::make_shared<shelf>();
  probe starter{time};
  probe notifier{time};
  probe owner{time};

  static constexpr flow::instance_id reader = {0, 0};
  static constexpr flow::instance_id enumerator = {0, flow::instance_id::enumerator};
  static constexpr flow::instance_id writer = {1, 0};

  stage() {
    const int from = job.source("numbers", {});
    job.edge(from, job.sink("shelf", to));
  }

  /// Lets calls with that name fail with an error of that code; an empty code: no more.
  void fail(const std::string& name, const std::string& code) {
    store->before = [=](const std::string& call) -> status {
      if (code.empty() || call != name) return {};
      return external_error(code, "not now");
    };
  }
  [[nodiscard]] std::vector<std::string> events(const std::string& run) const { return job.events(run); }
  [[nodiscard]] store::run_state state_of(const std::string& run) const { return kept->find_run(run).value().state; }
};

/// The units of one run, played by the test.
class played_units {
 public:
  played_units(stage& on, const launch& asked) : asked_(asked) {
    for (const auto& who : {stage::reader, stage::enumerator, stage::writer})
      all_.emplace(who, std::make_unique<probe>(on.time));
  }

  [[nodiscard]] const launch& asked() const { return asked_; }
  [[nodiscard]] const caf::actor& supervisor() const { return asked_.supervisor; }
  probe& operator[](const flow::instance_id& who) { return *all_.at(who); }

  /// Answers `launch`: all units exist, on the nodes named.
  void launch_all(const std::string& readers_node = "here", const std::string& writers_node = "here") {
    launched answer;
    for (const auto& [who, one] : all_)
      answer.instances.push_back({who, one->handle(), who == stage::writer ? writers_node : readers_node});
    caf::anon_send(supervisor(), std::move(answer));
  }
  template <class Message>
  void tell(const flow::instance_id& who, Message message) {
    (*this)[who].send(supervisor(), std::move(message));
  }
  void start_all() {
    for (const auto& [who, one] : all_) tell(who, instance_started{who});
  }
  void fail(const flow::instance_id& who, const std::string& code) {
    tell(who, instance_failed{who, external_error(code, "it broke")});
  }
  void abandon_all() {
    for (const auto& [who, one] : all_) tell(who, abandoned{who});
  }
  void finish_reader(std::uint64_t rows) {
    instance_finished done;
    done.report.who = stage::reader;
    done.report.counters.in = done.report.counters.out = rows;
    done.report.port_rows = {rows};
    done.report.sent = {{{0, 0, 0}, rows, 0}};
    tell(stage::reader, done);
  }
  void finish_writer(std::uint64_t rows) {
    instance_finished done;
    done.report.who = stage::writer;
    done.report.counters.in = done.report.counters.out = rows;
    done.report.received = {{{0, 0, 0}, rows, 0}};
    done.target = "shelf";
    done.token = "shelf";
    tell(stage::writer, done);
  }
  void commit() { tell(stage::writer, committed{stage::writer}); }

 private:
  launch asked_;
  std::map<flow::instance_id, std::unique_ptr<probe>> all_;
};

}  // namespace sluice::actors::testing
