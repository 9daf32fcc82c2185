#pragma once

#include "engine/component/component.hpp"

#include <memory>
#include <string>
#include <vector>

namespace sluice {

using file_sink_maker = std::unique_ptr<sink> (*)(const sink_request&, diagnostics&);

/// True where a file sink writes a folder: its path ends with a slash, or it has one of the options below.
bool writes_folder(const options& own);

/// The fields of a file sink and behind them the options `partition_by`, `file_rows` and `file_size`.
std::vector<field_spec> with_folder_fields(std::vector<field_spec> fields);
/// The paragraphs of a file sink's description that say what they do.
std::string folder_description();

/// Makes a sink that writes files into a folder. Without options of its own, each epoch that has rows gets one file
/// (engine/files/parts_sink.hpp). `file_rows` and `file_size` begin another file when one is so large. `partition_by`
/// writes each partition into folders of its own, name=value. Files appear complete, by renames, when the epoch is
/// committed.
///
/// mode error: the folder must hold no file that a reader would find; append: files come beside what is there; replace:
/// the first epoch of a run that does not continue after another one removes the files of the format in all partitions
/// that other runs have written, behind its own appearing; replace_partitions: each epoch does so in the partitions
/// that it writes.
std::unique_ptr<sink> make_folder(const sink_request& request, const std::string& component, file_sink_maker make_file,
                                  diagnostics& faults);

/// What a file sink writes to: a file, a folder or standard output.
write_target stated_files(const options& own);

}  // namespace sluice
