#pragma once

#include "actors/run/run.hpp"
#include "actors/run/run_setup.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/temporary_folder.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace sluice::actors::testing {

/// A door that calls of a fake component wait at until a test opens it.
class gate {
 public:
  void open();
  /// Waits for `open`; counts itself as waiting meanwhile.
  void pass();
  /// Waits until somebody stands before the closed gate.
  void await_waiting();

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

/// A source of the numbers 0, 1, 2, ...: `splits` of `rows` each, in batches of `batch_rows`.
struct numbers {
  std::uint32_t splits = 1;
  std::int64_t rows = 10;
  std::int64_t batch_rows = 3;
  std::set<std::int64_t> bad = {};  ///< these are rejected by the reader
  std::int64_t fails_at = -1;       ///< reading this number is an error
  std::int64_t loses = -1;          ///< this number vanishes
  std::function<void(std::uint32_t split)> before_read = {};
  std::shared_ptr<std::atomic<std::int64_t>> batches_read = std::make_shared<std::atomic<std::int64_t>>(0);
};

/// What a fake sink saw.
struct shelf {
  std::mutex lock;
  std::vector<std::int64_t> rows;
  std::vector<std::string> calls;   ///< open, prepare, commit, abort
  std::set<std::int64_t> refuses;   ///< comes back as a rejected row
  std::int64_t loses = -1;          ///< not counted as loaded
  std::string fails_at;             ///< the call that is an error
  std::function<status()> commits;  ///< what commit does, in the place of nothing
  std::function<void()> before_open;
  std::function<void()> before_write;
  std::function<void()> before_commit;

  [[nodiscard]] std::vector<std::int64_t> sorted() const;
};

/// Whether a call has come to a sink.
bool called(shelf& to, const std::string& name);

using test::eventually;
using test::patience;

/// Lets the source read only when the sink has been opened: one that fails before that never opens it.
void open_before_reading(shelf& to, numbers& of);

/// A transform from functions.
struct script {
  bool keeps_order = true;
  bool needs_order = false;
  bool may_block = false;
  int wants_last = -1;  ///< this input
  std::function<status(int input, batch in, emitter& out)> process;
  std::function<status(int input, emitter& out)> finish;
  std::function<result<bool>(emitter& out)> resume;
  std::function<bool()> satisfied;
  std::function<std::vector<std::int64_t>()> held = {};           ///< what it holds, for a checkpoint
  std::function<void(std::vector<std::int64_t>)> take_back = {};  ///< the same, handed out by another instance
};

/// Builds a plan by hand and runs it with fake components.
class bench {
 public:
  int source(const std::string& name, numbers of, int parallelism = 1);
  int transform(const std::string& name, std::function<script()> make, int parallelism = 1, int outputs = 1);
  int sink(const std::string& name, std::shared_ptr<shelf> to);
  /// Any components, made by the caller.
  int add(planned_unit unit, std::function<std::unique_ptr<sluice::transform>()> make);
  planned_edge& edge(int from, int to, edge_kind kind = edge_kind::forward, int from_port = 0, int to_input = 0);
  /// Gives the unit a rejects port; its number.
  int rejects_port(int unit);

  plan& what() { return plan_; }
  flow::credit_limits credit;

  /// The setup of a new run.
  std::shared_ptr<const run_setup> setup();
  /// Runs to the end in an engine of its own.
  run_outcome run(const run_callbacks& callbacks = {});

  [[nodiscard]] const std::shared_ptr<store::store>& store() const { return store_; }
  [[nodiscard]] const test::temporary_folder& folder() const { return folder_; }
  /// Types of the last run's events, in order.
  [[nodiscard]] std::vector<std::string> events(const std::string& run) const;
  /// `in` null: a Store of its own, in its folder.
  explicit bench(std::shared_ptr<store::store> in = nullptr);

 private:
  planned_unit& unit(unit_role role, const std::string& name);

  test::temporary_folder folder_;
  std::shared_ptr<store::store> store_;
  plan plan_;
  std::map<int, numbers> sources_;
  std::map<int, std::function<std::unique_ptr<sluice::transform>()>> transforms_;
  std::map<int, std::shared_ptr<shelf>> sinks_;
  int runs_ = 0;
};

/// Passes everything on.
script pass_on();
/// Passes each batch on when the next one comes, or at the end.
script one_behind();
/// Numbers of a batch's only column, and a batch of numbers.
std::vector<std::int64_t> values(const batch& of);
batch with_values(const batch& like, const std::vector<std::int64_t>& numbers);
/// 0 to n - 1.
std::vector<std::int64_t> up_to(std::int64_t n);

/// The cause of a run's end as text, for INFO; of a good one it says nothing.
std::string why(const actors::run_outcome& outcome);

}  // namespace sluice::actors::testing
