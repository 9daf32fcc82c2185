#include "engine/plan/plan_json.hpp"

#include "engine/secrets/mask.hpp"
#include "engine/values/marked_text.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <stdexcept>

namespace sluice {

namespace {

constexpr int format = 4;

// What can't be read is thrown inside this file as options throw, and becomes one error in plan_from_bytes.
[[noreturn]] void refuse(const std::string& why) { throw std::runtime_error(why); }

template <class Value>
Value checked(arrow::Result<Value> from, const char* what) {
  if (!from.ok()) refuse(std::string(what) + ": " + from.status().message());
  return *std::move(from);
}

options binary(const arrow::Buffer& bytes) { return options::binary({bytes.data(), bytes.data() + bytes.size()}); }

std::shared_ptr<arrow::Buffer> buffer_of(const options& from) {
  const auto& bytes = from.get_binary();
  return arrow::Buffer::FromString(std::string(bytes.begin(), bytes.end()));
}

options schema_to_json(const std::shared_ptr<arrow::Schema>& schema) {
  if (schema == nullptr) return nullptr;
  return binary(*checked(arrow::ipc::SerializeSchema(*marks_to_metadata(schema)), "schema"));
}

std::shared_ptr<arrow::Schema> schema_from_json(const options& from) {
  if (from.is_null()) return nullptr;
  arrow::io::BufferReader in(buffer_of(from));
  arrow::ipc::DictionaryMemo memo;
  return marks_from_metadata(checked(arrow::ipc::ReadSchema(&in, &memo), "schema"));
}

/// Typed values of any kind as one row of a batch.
options params_to_json(const std::map<std::string, std::shared_ptr<arrow::Scalar>>& params) {
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  for (const auto& [name, value] : params) {
    if (value == nullptr) continue;  // a secret, which no expression uses
    fields.push_back(arrow::field(name, value->type));
    columns.push_back(checked(arrow::MakeArrayFromScalar(*value, 1), "param"));
  }
  const auto batch = arrow::RecordBatch::Make(arrow::schema(fields), 1, columns);
  return {{"schema", schema_to_json(batch->schema())},
          {"row", binary(*checked(arrow::ipc::SerializeRecordBatch(*batch, arrow::ipc::IpcWriteOptions::Defaults()),
                                  "params"))}};
}

std::map<std::string, std::shared_ptr<arrow::Scalar>> params_from_json(const options& from) {
  std::map<std::string, std::shared_ptr<arrow::Scalar>> params;
  const auto schema = schema_from_json(from.at("schema"));
  if (schema == nullptr) refuse("params without a schema");
  arrow::io::BufferReader in(buffer_of(from.at("row")));
  arrow::ipc::DictionaryMemo memo;
  const auto batch =
      checked(arrow::ipc::ReadRecordBatch(schema, &memo, arrow::ipc::IpcReadOptions::Defaults(), &in), "params");
  if (const auto valid = batch->ValidateFull(); !valid.ok()) refuse(valid.message());
  if (batch->num_rows() != 1) refuse("params are not one row");
  for (int at = 0; at < batch->num_columns(); ++at)
    params[schema->field(at)->name()] = checked(batch->column(at)->GetScalar(0), "param");
  return params;
}

template <class Enum>
Enum enum_of(const options& from, Enum last) {
  const auto number = from.get<int>();
  if (number < 0 || number > static_cast<int>(last)) refuse("a value is out of range");
  return static_cast<Enum>(number);
}

template <class Value>
options optional_to_json(const std::optional<Value>& value) {
  return value ? options(*value) : options(nullptr);
}

template <class Value>
std::optional<Value> optional_of(const options& from) {
  if (from.is_null()) return {};
  return from.get<Value>();
}

options unit_to_json(const unit_definition& unit) {
  return {{"role", static_cast<int>(unit.role)},
          {"name", unit.name},
          {"description", unit.description},
          {"from", unit.from},
          {"component", unit.component},
          {"own", unit.own},
          {"policy", unit.policy ? options(static_cast<int>(*unit.policy)) : options(nullptr)},
          {"parallelism", optional_to_json(unit.parallelism)},
          {"node", unit.place.node},
          {"labels", unit.place.labels},
          {"types", unit.types},
          {"columns", unit.columns},
          {"sample", optional_to_json(unit.sample)},
          {"metadata", unit.metadata},
          {"any_order", unit.any_order},
          {"incremental",
           {{"by", static_cast<int>(unit.incremental.by)},
            {"column", unit.incremental.column},
            {"read_changed", unit.incremental.read_changed}}},
          {"contract", static_cast<int>(unit.contract)},
          {"time",
           {{"column", unit.time.column},
            {"out_of_order", unit.time.out_of_order},
            {"idle", optional_to_json(unit.time.idle)}}},
          {"mode", unit.mode},
          {"key", unit.key},
          {"commit_each", unit.commit_each}};
}

unit_definition unit_from_json(const options& from) {
  unit_definition unit;
  unit.role = enum_of(from.at("role"), unit_role::load);
  unit.name = from.at("name").get<std::string>();
  unit.description = from.at("description").get<std::string>();
  unit.from = from.at("from").get<std::vector<std::string>>();
  unit.component = from.at("component").get<std::string>();
  unit.own = from.at("own");
  if (!from.at("policy").is_null()) unit.policy = enum_of(from.at("policy"), on_error::set_null);
  unit.parallelism = optional_of<int>(from.at("parallelism"));
  unit.place.node = from.at("node").get<std::string>();
  unit.place.labels = from.at("labels").get<std::map<std::string, std::string>>();
  unit.types = from.at("types");
  unit.columns = from.at("columns").get<std::vector<std::string>>();
  unit.sample = optional_of<std::int64_t>(from.at("sample"));
  unit.metadata = from.at("metadata");
  unit.any_order = from.at("any_order").get<bool>();
  const auto& incremental = from.at("incremental");
  unit.incremental = {.by = enum_of(incremental.at("by"), incremental_rule::way::column),
                      .column = incremental.at("column").get<std::string>(),
                      .read_changed = incremental.at("read_changed").get<bool>()};
  unit.contract = enum_of(from.at("contract"), column_contract::quarantine);
  const auto& time = from.at("time");
  unit.time = {.column = time.at("column").get<std::string>(),
               .out_of_order = time.at("out_of_order").get<std::int64_t>(),
               .idle = optional_of<std::int64_t>(time.at("idle"))};
  unit.mode = from.at("mode").get<std::string>();
  unit.key = from.at("key").get<std::vector<std::string>>();
  unit.commit_each = from.at("commit_each").get<bool>();
  return unit;
}

/// What the readers need of it; what is to be remembered stays with the node that has planned.
options reading_to_json(const source_reading& from) {
  options files = nullptr;
  if (from.files) {
    files = options::array();
    for (const auto& file : from.files->all()) files.push_back({file.name, file.begin, file.size});
  }
  auto groups = options::array();
  for (const auto& group : from.groups)
    groups.push_back(
        {{"columns", group.columns}, {"refused", secrets::mask(group.refused)}, {"own", schema_to_json(group.own)}});
  options mark = nullptr;
  if (from.mark)
    mark = {{"column", from.mark->column},
            {"type", from.mark->type},
            {"value", optional_to_json(from.mark->value)},
            {"rows", from.mark->rows}};
  return {{"files", files}, {"groups", groups}, {"group_of", from.group_of}, {"mark", mark}, {"frozen", from.frozen}};
}

source_reading reading_from_json(const options& from) {
  source_reading reading;
  if (const auto& files = from.at("files"); !files.is_null()) {
    std::vector<chosen_file> chosen;
    for (const auto& file : files)
      chosen.push_back({file.at(0).get<std::string>(), file.at(1).get<std::int64_t>(), file.at(2).get<std::int64_t>()});
    reading.files = std::make_shared<const chosen_files>(std::move(chosen));
  }
  for (const auto& group : from.at("groups"))
    reading.groups.push_back({.columns = group.at("columns").get<std::vector<std::string>>(),
                              .refused = group.at("refused").get<std::string>(),
                              .own = schema_from_json(group.at("own"))});
  reading.group_of = from.at("group_of").get<std::vector<std::uint32_t>>();
  if (!reading.groups.empty() && (!reading.files || reading.group_of.size() != reading.files->all().size()))
    refuse("groups without their files");
  for (const auto group : reading.group_of)
    if (group >= reading.groups.size()) refuse("a group of files is out of range");
  if (const auto& mark = from.at("mark"); !mark.is_null())
    reading.mark = watermark{.column = mark.at("column").get<std::string>(),
                             .type = mark.at("type").get<std::string>(),
                             .value = optional_of<std::string>(mark.at("value")),
                             .rows = mark.at("rows").get<std::int64_t>()};
  reading.frozen = from.at("frozen").get<bool>();
  return reading;
}

options pipeline_to_json(const pipeline& from) {
  auto units = options::array();
  for (const auto& unit : from.units) units.push_back(unit_to_json(unit));
  return {{"version", from.version},
          {"name", from.name},
          {"description", from.description},
          {"owner", from.owner},
          {"tags", from.tags},
          {"params", params_to_json(from.params)},
          {"memory", optional_to_json(from.memory_bytes)},
          {"timezone", from.timezone},
          {"timeout", optional_to_json(from.timeout_microseconds)},
          {"checkpoint", optional_to_json(from.checkpoint_microseconds)},
          {"retry", from.retry ? options{{"retry", retry_to_options(*from.retry)}} : options(nullptr)},
          {"allow", from.rejects.allow},
          {"fail_above", optional_to_json(from.rejects.fail_above)},
          {"rejects_per", optional_to_json(from.rejects.per_microseconds)},
          {"units", units},
          {"file", secrets::mask(from.file)},
          {"text", secrets::mask(from.text)}};
}

pipeline pipeline_from_json(const options& from) {
  pipeline made;
  made.version = from.at("version").get<int>();
  made.name = from.at("name").get<std::string>();
  made.description = from.at("description").get<std::string>();
  made.owner = from.at("owner").get<std::string>();
  made.tags = from.at("tags").get<std::vector<std::string>>();
  made.params = params_from_json(from.at("params"));
  made.memory_bytes = optional_of<std::int64_t>(from.at("memory"));
  made.timezone = from.at("timezone").get<std::string>();
  made.timeout_microseconds = optional_of<std::int64_t>(from.at("timeout"));
  made.checkpoint_microseconds = optional_of<std::int64_t>(from.at("checkpoint"));
  // Plans of versions that did not know it.
  if (const auto retry = from.find("retry"); retry != from.end() && !retry->is_null()) made.retry = retry_of(*retry);
  made.rejects.allow = from.at("allow").get<std::int64_t>();
  made.rejects.fail_above = optional_of<double>(from.at("fail_above"));
  if (const auto per = from.find("rejects_per"); per != from.end())
    made.rejects.per_microseconds = optional_of<std::int64_t>(*per);
  for (const auto& unit : from.at("units")) made.units.push_back(unit_from_json(unit));
  made.file = from.at("file").get<std::string>();
  made.text = from.at("text").get<std::string>();
  return made;
}

options time_to_json(const std::optional<event_time>& time) {
  return time ? options{{"column", time->column}, {"is_end", time->is_end}} : options(nullptr);
}

std::optional<event_time> time_from_json(const options& from) {
  if (from.is_null()) return {};
  return event_time{.column = from.at("column").get<std::string>(), .is_end = from.at("is_end").get<bool>()};
}

options planned_to_json(const planned_unit& unit) {
  auto inputs = options::array();
  for (const auto& input : unit.inputs)
    inputs.push_back(
        {{"unit", input.unit}, {"schema", schema_to_json(input.schema)}, {"time", time_to_json(input.time)}});
  auto outputs = options::array();
  for (const auto& output : unit.outputs)
    outputs.push_back(
        {{"name", output.name}, {"schema", schema_to_json(output.schema)}, {"time", time_to_json(output.time)}});
  return {{"definition", unit_to_json(unit.definition)},
          {"inputs", inputs},
          {"outputs", outputs},
          {"rejects_port", optional_to_json(unit.rejects_port)},
          {"read_ports", unit.read_ports},
          {"parallelism", unit.parallelism},
          {"endless", unit.endless},
          {"stops", unit.stops},
          {"refresh", optional_to_json(unit.refresh)},
          {"refreshed_input", unit.refreshed_input},
          {"continues", unit.continues},
          {"policy", static_cast<int>(unit.policy)},
          {"want_positions", unit.want_positions},
          {"resolved", schema_to_json(unit.resolved)},
          {"needed", unit.needed},
          {"filter", unit.filter},
          {"source_number", unit.source_number},
          {"reading", reading_to_json(unit.reading)}};
}

planned_unit planned_from_json(const options& from) {
  planned_unit unit;
  unit.definition = unit_from_json(from.at("definition"));
  for (const auto& input : from.at("inputs"))
    unit.inputs.push_back(
        {input.at("unit").get<std::string>(), schema_from_json(input.at("schema")), time_from_json(input.at("time"))});
  for (const auto& output : from.at("outputs"))
    unit.outputs.push_back({output.at("name").get<std::string>(), schema_from_json(output.at("schema")),
                            time_from_json(output.at("time"))});
  for (const auto& input : unit.inputs)
    if (input.schema == nullptr) refuse("an input without a schema");
  for (const auto& output : unit.outputs)
    if (output.schema == nullptr) refuse("an output without a schema");
  unit.rejects_port = optional_of<int>(from.at("rejects_port"));
  if (unit.rejects_port && (*unit.rejects_port < 0 || *unit.rejects_port >= static_cast<int>(unit.outputs.size())))
    refuse("a rejects port is out of range");
  unit.read_ports = from.at("read_ports").get<std::vector<std::string>>();
  unit.parallelism = from.at("parallelism").get<int>();
  if (unit.parallelism < 1 || unit.parallelism > 1024) refuse("parallelism is out of range");
  unit.endless = from.at("endless").get<bool>();
  unit.stops = from.at("stops").get<bool>();
  unit.refresh = optional_of<std::int64_t>(from.at("refresh"));
  unit.refreshed_input = from.at("refreshed_input").get<int>();
  unit.continues = from.at("continues").get<std::string>();
  unit.policy = enum_of(from.at("policy"), on_error::set_null);
  unit.want_positions = from.at("want_positions").get<bool>();
  unit.resolved = schema_from_json(from.at("resolved"));
  unit.needed = from.at("needed").get<std::vector<std::string>>();
  unit.filter = from.at("filter").get<std::string>();
  unit.source_number = from.at("source_number").get<std::uint32_t>();
  unit.reading = reading_from_json(from.at("reading"));
  return unit;
}

options edge_to_json(const planned_edge& edge) {
  arrow::FieldVector types;
  for (const auto& type : edge.key_types) types.push_back(arrow::field("", type));
  return {{"from_unit", edge.from_unit},
          {"from_port", edge.from_port},
          {"to_unit", edge.to_unit},
          {"to_input", edge.to_input},
          {"kind", static_cast<int>(edge.kind)},
          {"keys", edge.keys},
          {"key_types", schema_to_json(arrow::schema(types))},
          {"ordered", edge.ordered},
          {"restore_order", edge.restore_order},
          {"timed", edge.timed}};
}

planned_edge edge_from_json(const options& from, const std::vector<planned_unit>& units) {
  const auto within = [](int at, std::size_t size) {
    if (at < 0 || static_cast<std::size_t>(at) >= size) refuse("an edge is out of range");
    return at;
  };
  planned_edge edge;
  edge.from_unit = within(from.at("from_unit").get<int>(), units.size());
  edge.to_unit = within(from.at("to_unit").get<int>(), units.size());
  if (edge.from_unit >= edge.to_unit) refuse("an edge goes backwards");
  edge.from_port =
      within(from.at("from_port").get<int>(), units[static_cast<std::size_t>(edge.from_unit)].outputs.size());
  edge.to_input = within(from.at("to_input").get<int>(), units[static_cast<std::size_t>(edge.to_unit)].inputs.size());
  edge.kind = enum_of(from.at("kind"), edge_kind::broadcast);
  edge.keys = from.at("keys").get<std::vector<std::string>>();
  const auto types = schema_from_json(from.at("key_types"));
  if (types == nullptr) refuse("an edge without key types");
  for (const auto& field : types->fields()) edge.key_types.push_back(field->type());
  edge.ordered = from.at("ordered").get<bool>();
  edge.restore_order = from.at("restore_order").get<bool>();
  edge.timed = from.at("timed").get<bool>();
  return edge;
}

options warning_to_json(const error& warning) {
  return {{"code", warning.code},    {"message", warning.message}, {"hint", warning.hint},
          {"where", warning.where},  {"path", warning.path},       {"file", warning.at.file},
          {"line", warning.at.line}, {"column", warning.at.column}};
}

error warning_from_json(const options& from) {
  auto made = user_error(from.at("code").get<std::string>(), from.at("message").get<std::string>(),
                         from.at("hint").get<std::string>());
  made.where = from.at("where").get<std::string>();
  made.path = from.at("path").get<std::string>();
  made.at = {from.at("file").get<std::string>(), from.at("line").get<int>(), from.at("column").get<int>()};
  return made;
}

}  // namespace

options plan_to_json(const plan& from) {
  auto units = options::array();
  for (const auto& unit : from.units) units.push_back(planned_to_json(unit));
  auto edges = options::array();
  for (const auto& edge : from.edges) edges.push_back(edge_to_json(edge));
  auto warnings = options::array();
  for (const auto& warning : from.warnings) warnings.push_back(warning_to_json(warning));
  return {{"sluice_plan", format}, {"definition", pipeline_to_json(from.definition)},
          {"units", units},        {"edges", edges},
          {"warnings", warnings},  {"flush", from.flush}};
}

result<plan> plan_from_json(const options& from) {
  if (from.at("sluice_plan").get<int>() != format) refuse("it has another format number");
  plan made;
  made.definition = pipeline_from_json(from.at("definition"));
  for (const auto& unit : from.at("units")) made.units.push_back(planned_from_json(unit));
  for (const auto& edge : from.at("edges")) made.edges.push_back(edge_from_json(edge, made.units));
  for (const auto& warning : from.at("warnings")) made.warnings.push_back(warning_from_json(warning));
  made.flush = from.at("flush").get<bool>();
  return made;
}

}  // namespace sluice
