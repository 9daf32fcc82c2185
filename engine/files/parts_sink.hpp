#pragma once

#include "engine/component/component.hpp"

#include <memory>
#include <string>

namespace sluice {

/// True where the path of a file sink names a folder: it ends with a slash.
bool names_folder(const sink_request& request);

/// Makes a sink that writes a file of its own into the folder with each epoch that has rows:
/// part-NOW-RUN-ATTEMPT-NUMBER.EXTENSION, where NOW is the run's now, which runs that continue after each other share,
/// RUN are the first 16 digits of the run's id, which ascend in time, and NUMBER counts the epochs of the run. A part
/// appears complete, by a rename, when its epoch is committed. `make_file` makes the sink of one file of the same
/// request with another path.
///
/// mode error: the folder must hold no file that a reader would find; append: parts come beside what is there; replace:
/// the first epoch of a run that does not continue after another one removes the parts of other runs, behind its own
/// appearing. Other files are never touched.
std::unique_ptr<sink> make_parts(const sink_request& request, const std::string& component,
                                 std::unique_ptr<sink> (*make_file)(const sink_request&, diagnostics&),
                                 diagnostics& faults);

}  // namespace sluice
