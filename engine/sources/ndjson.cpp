#include "engine/component/component.hpp"
#include "engine/files/files.hpp"
#include "engine/files/folder_source.hpp"
#include "engine/files/follow/description.hpp"
#include "engine/formats/ndjson/files_source.hpp"

namespace sluice {

namespace {

std::vector<std::string> file_extensions() { return {"ndjson", "jsonl", "json"}; }

std::unique_ptr<source> make_records(const source_request& request, diagnostics& faults) {
  return ndjson::make_files_source(request, "ndjson", file_extensions(), std::nullopt, faults);
}

std::unique_ptr<source> make(const source_request& request, diagnostics& faults) {
  return make_with_folder_columns(request, "ndjson", file_extensions(), "utf-8", faults, make_records);
}

std::vector<field_spec> fields() {
  auto all = text_source_fields();
  all.push_back(follow_field());
  return all;
}

component_spec spec() {
  return {
      .name = "ndjson",
      .kind = component_kind::source,
      .summary = "Reads newline-delimited JSON: one object per line",
      .description =
          "Columns and types are inferred from a sample of the records, unless `types:` gives them. Whole numbers "
          "become bigint (ubigint or decimal(38,0) if they are larger); other numbers double (text if the column also "
          "has a whole number that double can't hold exactly); ISO dates and timestamps date and timestamp; objects "
          "structs; arrays lists. A column of mixed kinds becomes text. A missing key is null.\n\n"
          "These records are rejected (`on_error: reject`): not a JSON object; truncated; duplicate key; trailing "
          "text; a key that did not occur in the sample. With `columns:`, other keys are ignored; the record must "
          "still be valid JSON without duplicate keys. `on_error` decides what happens to a value that does not fit a "
          "given type. A value that contradicts an inferred type fails the run; the message shows the `types:` line to "
          "add. A column with a given number or boolean type also accepts JSON texts such as \"12\"; a text column "
          "accepts any value as it is written. Integers and decimals keep all digits. For texts, a type can be a map: "
          "`{ type: date, formats: [\"%d.%m.%Y\"] }`, `{ type: \"decimal(12,2)\", decimal: \",\", thousands: \".\" "
          "}`.\n\n"
          "A folder that is named `day=2024-05-01` gives the column day (bigint, date or text), as Hive and Spark "
          "write "
          "partitions; `types:` can give it another type.\n\n"
          "Uncompressed files are read in parallel, unless `metadata:` asks for row numbers. The position of a row is "
          "its byte offset in the split.\n\n" +
          follow_description(),
      .value = {.form = shape::object, .help = "the files to read", .elements = fields()},
      .law = "in = out + rejected",
      .example = R"yaml(version: 1
pipeline: ndjson-source-example
extract:
  orders:
    ndjson: { path: examples/data/shop/events.ndjson }
load:
  nowhere:
    from: orders
    blackhole: {}
)yaml",
      .bounded = false,
  };
}

}  // namespace

const component& ndjson_source() {
  static const component made = {
      .spec = spec(), .make_source = make, .files = {.extensions = file_extensions(), .appends = true}};
  return made;
}

}  // namespace sluice
