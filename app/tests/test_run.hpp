#pragma once

#include "app/session.hpp"
#include "app/tests/compared_rows.hpp"
#include "app/tests/pipeline_tests.hpp"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::app {

/// How a test ended.
struct test_result {
  diagnostics faults;                                        ///< it could not run, or the run failed
  std::shared_ptr<const config::document> source;            ///< that the faults point into
  std::vector<std::pair<std::string, compared_rows>> units;  ///< that differ
  std::vector<std::string> notes;                            ///< rejects and files that differ
  bool updated = false;

  [[nodiscard]] bool passed() const { return faults.empty() && units.empty() && notes.empty(); }
};

/// Runs the pipeline over the rows of a test, as far as the units go that it looks at. Nothing is loaded, and the state
/// of the pipeline is neither read nor written. `update`: files of expected rows that differ are written anew.
test_result run_test(const session& with, const test_file& of, const pipeline_test& test, const std::string& config,
                     bool update);

}  // namespace sluice::app
