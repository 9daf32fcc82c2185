#pragma once

#include "engine/files/files.hpp"
#include "engine/store/source_state.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// Files of a source that have the same columns, where a contract allows others.
struct file_group {
  std::vector<std::string> columns;  ///< of the source's columns those that these files have; the others become null
  std::string refused;               ///< contract: quarantine: why their rows go to the rejects; empty: they are read
  std::shared_ptr<arrow::Schema> own = nullptr;  ///< refused CSV files: their columns, as text
};

/// How far a source was read by a column whose values only grow.
struct watermark {
  std::string column;
  std::string type;                  ///< SQL name
  std::optional<std::string> value;  ///< rows at or below it were taken before; not set: none yet
  std::int64_t rows = 0;             ///< at or below it, as the last run counted them
};

/// How a run reads one of its sources, fixed when the run is planned.
struct source_reading {
  std::shared_ptr<const chosen_files> files;  ///< null: those that the source finds
  std::vector<file_group> groups;             ///< empty: all files have the source's columns
  std::vector<std::uint32_t> group_of;        ///< of each file in `files`, where there are groups
  std::optional<watermark> mark;
  bool frozen = false;  ///< contract: freeze: a record with a key that is no column fails the run
  // For the node that planned the run:
  std::string note;                              ///< for people: "2 new files, 5 taken before"; may be empty
  std::vector<options> told = {};                ///< events of the run's start: { type, data }
  std::optional<store::source_change> remember;  ///< written when the outputs are published
};

}  // namespace sluice
