#pragma once

#include "engine/component/sink.hpp"
#include "engine/component/source.hpp"
#include "engine/component/spec.hpp"
#include "engine/component/target.hpp"
#include "engine/component/transform.hpp"

#include <memory>
#include <string>
#include <vector>

namespace sluice {

struct input_file;  // engine/files/files.hpp

/// What planning asks of sources that read files; empty `extensions`: the source reads none.
struct file_reading {
  std::vector<std::string> extensions = {};  ///< names that count in a folder, without dot
  bool packed = true;                        ///< takes compressed files
  bool appends = false;                      ///< a file that has grown is read on where its last line ended
  /// Columns of one file without reading its rows, types where the file has them (else null types); null: its records
  /// need not have the same columns.
  result<std::shared_ptr<arrow::Schema>> (*columns)(const source_request&, const input_file&) = nullptr;
};

/// Ties a spec to its factory; exactly one of the three factories is set. A factory appends all faults that it finds to
/// `faults` and returns null if there are any. Those of planning a source may block (types are inferred from files).
struct component {
  component_spec spec;
  std::unique_ptr<source> (*make_source)(const source_request&, diagnostics& faults) = nullptr;
  std::unique_ptr<transform> (*make_transform)(const transform_request&, diagnostics& faults) = nullptr;
  std::unique_ptr<sink> (*make_sink)(const sink_request&, diagnostics& faults) = nullptr;
  file_reading files = {};  ///< sources
  /// What a sink with these options writes to; null where nobody else could mean the same place.
  write_target (*target)(const options& own) = nullptr;
};

/// All components, sorted by kind and name. The list itself is in components.cpp.
const std::vector<const component*>& components();
/// Finds one, or null.
const component* find_component(component_kind kind, const std::string& name);
/// Words of the language that are known but not built yet ("kafka", "window"): used for `not supported yet`.
const std::vector<std::string>& planned_components(component_kind kind);

}  // namespace sluice
