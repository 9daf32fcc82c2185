#pragma once

#include "engine/component/run_context.hpp"
#include "engine/plan/plan.hpp"
#include "engine/store/store.hpp"

#include <memory>
#include <string>

namespace sluice {

/// Where a new run is worked on.
struct run_address {
  std::string node = {};
  std::string endpoint = {};  ///< host:port of the process's HTTP API; empty: none
  std::int64_t term = 0;      ///< of the controller; 0: a local run
};

/// Tells pipelines and params apart by their text.
std::string fingerprint_of(const pipeline& what, const options& params);

/// Makes the record of a new run of this process: everything that another process needs to go on with it, repeat its
/// commits, or clean up behind it. `params` as they were given.
store::run_record make_record(const plan& of, const run_context& context, const options& params,
                              const run_address& home);

/// The other way round: what the components of a recorded run shared, on this node. Errors: run_unreadable, where the
/// record has no plan, or is of a version that did not keep its folders.
struct recorded_run {
  std::shared_ptr<const plan> what;
  std::shared_ptr<const run_context> context;
};
result<recorded_run> read_record(const store::run_record& record);

}  // namespace sluice
