#pragma once

#include "engine/component/options.hpp"
#include "engine/notify/subscriber.hpp"
#include "engine/plan/plan.hpp"
#include "engine/store/store.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace sluice::lineage {

/// Makes OpenLineage run events (https://openlineage.io, version 2-0-2 of its schema) of the events of runs: START when
/// a run is accepted; RUNNING when its units are ready, at checkpoints and when it is tried again; COMPLETE, FAIL or
/// ABORT at its end. Datasets have their schema, outputs the lineage of their columns as the plan has it; the last
/// event has statistics, the results of `validate` rules, and the error. Thread-safe.
class event_maker {
 public:
  /// `space`: the namespace of jobs.
  explicit event_maker(std::string space) : space_(std::move(space)) {}

  /// Null where a notice is none of these events. Errors: those of finding the run; run_unreadable.
  result<options> make(const notice& what);

 private:
  struct known_run {
    store::run_record record;
    std::shared_ptr<const plan> what;
    options inputs;  ///< datasets without what is known only at the end
    options outputs;
    std::map<std::string, std::string> units;  ///< of datasets, "namespace name" to the unit
  };

  result<std::shared_ptr<const known_run>> find(const notice& what, const std::string& run);

  std::string space_;
  std::mutex lock_;
  std::map<std::string, std::shared_ptr<const known_run>> known_;
};

}  // namespace sluice::lineage
