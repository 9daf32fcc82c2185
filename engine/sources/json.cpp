#include "engine/component/component.hpp"
#include "engine/files/files.hpp"
#include "engine/files/folder_source.hpp"
#include "engine/files/listed_files.hpp"
#include "engine/formats/ndjson/files_source.hpp"

namespace sluice {

namespace {

std::vector<std::string> file_extensions() { return {"json"}; }

std::unique_ptr<source> make_records(const source_request& request, diagnostics& faults) {
  auto rows = result<ndjson::row_path>(ndjson::row_path{});
  if (const auto own = file_options(request); own.is_object() && own.contains("rows"))
    rows = ndjson::parse_row_path(own.value("rows", std::string()));
  if (!rows.ok()) {
    faults.push_back(std::move(rows).problem());
    faults.back().path = "/json/rows";
    return nullptr;
  }
  return ndjson::make_files_source(request, "json", file_extensions(), *rows, faults);
}

std::unique_ptr<source> make(const source_request& request, diagnostics& faults) {
  return make_with_folder_columns(request, "json", file_extensions(), "utf-8", faults, make_records);
}

std::vector<field_spec> fields() {
  auto all = text_source_fields();
  all.push_back({.name = "rows",
                 .form = shape::text,
                 .help = "the way to the rows: items[*], data.rows[*], $[*], [0].parts[*]; default: the document is "
                         "one row, or each element where it is a list"});
  return all;
}

component_spec spec() {
  return {
      .name = "json",
      .kind = component_kind::source,
      .summary = "Reads JSON documents and lists of objects",
      .description =
          "A file holds one document, or several one after the other. `rows` is the way to the objects that become "
          "rows: "
          "names after dots (`data.items[*]`), names with other characters in brackets (`[\"line items\"][*]`), "
          "`[0]` for one element, `[*]` for all. There may be several `[*]`: `orders[*].items[*]` gives the items of "
          "all orders. Without `rows`, a document is one row, or, if it is a list, each of its elements.\n\n"
          "Documents are read as a stream and not held in memory, so that they can be larger than it; one row has at "
          "most 256 MiB. Files are read one after the other, each by one reader. To keep fields that are outside of "
          "the list, read the document as a row, and make the rows with `unnest`.\n\n"
          "Columns and types are inferred from the first rows of every file, unless `types:` gives them. Columns, "
          "types, rejects and `on_error` are those of the source `ndjson`. A JSON document that is broken outside of "
          "its rows fails the run with line and column, since the place of the next row is unknown. A missing key "
          "on the way, or a null, gives no rows; if there is nothing at the path in the whole file, the run fails. "
          "The position of a row is its byte offset in the file.",
      .value = {.form = shape::object, .help = "the files to read", .elements = fields()},
      .law = "in = out + rejected",
      .example = R"yaml(version: 1
pipeline: json-source-example
extract:
  orders:
    json: { path: examples/data/shop/orders.json, rows: "orders[*]" }
load:
  show:
    from: orders
    stdout: {}
)yaml",
  };
}

}  // namespace

const component& json_source() {
  static const component made = {.spec = spec(), .make_source = make, .files = {.extensions = file_extensions()}};
  return made;
}

}  // namespace sluice
