#include "engine/sinks/folders/folder_sink.hpp"

#include "engine/files/file_sink_options.hpp"
#include "engine/files/file_target.hpp"
#include "engine/files/parts_sink.hpp"
#include "engine/sinks/folders/partitioned_files.hpp"
#include "engine/values/quantities.hpp"

namespace sluice {

namespace {

bool has(const options& own, const char* name) { return own.is_object() && own.contains(name) && !own[name].is_null(); }

folders::file_limits read_limits(const sink_request& request, const std::string& component, diagnostics& faults) {
  folders::file_limits made;
  if (has(request.own, "file_rows")) {
    made.rows = request.own["file_rows"].get<std::int64_t>();
    if (*made.rows < 1)
      faults.push_back(
          option_fault(component, "file_rows",
                       user_error("invalid_option", "a file has at least 1 row, not " + std::to_string(*made.rows),
                                  "file_rows: 1000000")));
  }
  if (has(request.own, "file_size")) {
    const auto& given = request.own["file_size"];
    const auto bytes = given.is_string() ? parse_size(given.get<std::string>()) : given.get<std::int64_t>();
    if (!bytes.ok() || *bytes < 1)
      faults.push_back(
          option_fault(component, "file_size",
                       bytes.ok() ? user_error("invalid_option", "a file has at least 1 byte", "file_size: 128MiB")
                                  : bytes.problem()));
    else
      made.bytes = *bytes;
  }
  return made;
}

bool is_mode(const std::string& mode) { return mode == "replace_partitions" || parse_file_mode(mode).ok(); }

}  // namespace

bool writes_folder(const options& own) {
  const auto path = folders::folder_path(own);
  return (path.size() > 1 && path.back() == '/') || has(own, "partition_by") || has(own, "file_rows") ||
         has(own, "file_size");
}

write_target stated_files(const options& own) {
  auto stated = stated_file(own);
  if (writes_folder(own)) stated.what = write_target::kind::folder;
  return stated;
}

std::vector<field_spec> with_folder_fields(std::vector<field_spec> fields) {
  std::vector<field_spec> more = {
      {.name = "partition_by",
       .form = shape::list,
       .help = "write each combination of these columns' values into its own folder: day=2024-05-01/",
       .elements = {{.form = shape::column}}},
      {.name = "file_rows", .form = shape::integer, .help = "begin another file of the folder after so many rows"},
      {.name = "file_size",
       .form = shape::size,
       .help = "begin another file of the folder when one has about this size"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

std::string folder_description() {
  return "\n\nA path that ends with `/` is a folder: each checkpoint adds a file, a run without checkpoints writes "
         "one. "
         "With `partition_by` each partition gets its own folder, named as Hive names them (`day=2024-05-01`; null "
         "is "
         "`__HIVE_DEFAULT_PARTITION__`, special characters are written as `%2F`). Parquet files are without these "
         "columns: the Parquet source takes them from the folders' names. Files of other formats have them too. Few "
         "files are open at once, however many partitions there are: rows are gathered by partition in memory, and "
         "beyond that in the spill folder.\n\n"
         "Files appear when the run commits. `mode: replace` then removes the earlier files of the format in all "
         "partitions, `replace_partitions` only in partitions that the run has written, `append` removes none. `error` "
         "refuses a folder that is not empty.";
}

std::unique_ptr<sink> make_folder(const sink_request& request, const std::string& component, file_sink_maker make_file,
                                  diagnostics& faults) {
  const auto before = faults.size();
  const bool plain =
      !has(request.own, "partition_by") && !has(request.own, "file_rows") && !has(request.own, "file_size");
  if (request.mode == "replace_partitions" && !has(request.own, "partition_by")) {
    faults.push_back(option_fault(component, "",
                                  user_error("invalid_option", "mode replace_partitions needs partition_by",
                                             "add partition_by: [column] to " + component + ", or use mode: replace")));
    return nullptr;
  }
  if (plain) return make_parts(request, component, make_file, faults);
  auto by = folders::read_partition_by(request, component, faults);
  if (has(request.own, "partition_by") && by.names.empty())
    faults.push_back(option_fault(component, "partition_by",
                                  user_error("invalid_option", "partition_by names no column", "partition_by: [day]")));
  const auto limits = read_limits(request, component, faults);
  folders::part_names names(request, component);
  if (folders::folder_path(request.own) == "-")
    faults.push_back(option_fault(component, "path",
                                  user_error("invalid_option", "standard output can't be divided into files",
                                             "write to a folder: path: out/" + request.unit + "/")));
  // Faults of the other options; a part is a whole file.
  (void)make_file(
      folders::request_of_file(request, folders::folder_path(request.own) + "/part" + names.extension(), by), faults);
  if (!is_mode(request.mode)) faults.push_back(parse_file_mode(request.mode).problem());
  if (faults.size() > before) return nullptr;
  return folders::make_partitioned_files(request, component, std::move(names), std::move(by), limits, make_file);
}

}  // namespace sluice
