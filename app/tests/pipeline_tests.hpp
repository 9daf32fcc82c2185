#pragma once

#include "config/document.hpp"
#include "engine/error/error.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::app {

/// Rows of a unit as a test has them: written there, or in a file.
struct test_rows {
  const config::node* rows = nullptr;  ///< a list of maps
  std::string file;                    ///< as written; empty: none
  const config::node* at = nullptr;    ///< the unit's name in the test
};

/// An entry of `tests:`.
struct pipeline_test {
  std::string name;
  const config::node* at = nullptr;
  std::map<std::string, std::string> params;
  std::string now;                                        ///< empty: as in every run
  std::vector<std::pair<std::string, test_rows>> given;   ///< by source
  std::vector<std::pair<std::string, test_rows>> expect;  ///< by unit or unit.port
  std::map<std::string, std::int64_t> rejects;            ///< by unit
};

/// The tests of a pipeline, and the file that has them, which they point into.
struct test_file {
  std::string pipeline;  ///< path of the pipeline
  std::string path;      ///< of the tests: the pipeline itself, or NAME.test.yaml
  std::shared_ptr<const config::document> source;
  std::vector<pipeline_test> tests;
};

/// Reads the tests of a pipeline: `tests:` in it, and NAME.test.yaml beside it. Either may be given. Faults have their
/// places.
std::vector<test_file> read_tests(const std::string& path, diagnostics& faults);
/// The pipelines in a folder and below that have tests, sorted.
std::vector<std::string> tested_pipelines(const std::string& folder);

/// A value as JSON: numbers as they are written, all else as text, true, false and null.
std::string json_of(const config::node& value);

}  // namespace sluice::app
