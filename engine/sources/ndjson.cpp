#include "engine/columns/row_filter.hpp"
#include "engine/component/component.hpp"
#include "engine/component/takes_filter.hpp"
#include "engine/files/files.hpp"
#include "engine/files/listed_files.hpp"
#include "engine/formats/ndjson/ndjson_reader.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace sluice {

namespace {

using namespace ndjson;

class ndjson_files : public source, public takes_filter {
 public:
  explicit ndjson_files(std::shared_ptr<const ndjson_table> what) : what_(std::move(what)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return what_->columns.schema(); }

  status leave_out_unless(const std::string& condition, const std::string& unit, const run_context& context) override {
    SLUICE_ASSIGN(filter_, row_filter::make(condition, unit, context, schema()));
    return {};
  }

  result<std::vector<split>> discover() override {
    std::vector<split> splits;
    for (const auto& file : what_->files) {
      // At most a million splits, however large the files are.
      const auto step = what_->whole_files ? std::max<std::int64_t>(file.size, 1)
                        : file.seekable()  ? std::max<std::int64_t>({what_->split_bytes, file.size / 100'000, 1})
                                           : std::int64_t{1};
      const auto end = file.seekable() ? file.size : std::int64_t{1};
      for (auto begin = file.begin; begin < end; begin += step) {
        const auto piece_end = std::min(begin + step, end);
        splits.push_back({.id = static_cast<std::uint32_t>(splits.size()),
                          .object = file.name,
                          .begin = begin,
                          .end = piece_end,
                          .bytes = file.seekable() ? piece_end - begin : std::max<std::int64_t>(file.size, 0)});
      }
    }
    return splits;
  }

  bool replayable() const override { return can_be_read_again(what_->files); }

  result<std::unique_ptr<split_reader>> open(const split& piece, const std::string& position) override {
    SLUICE_ASSIGN(const auto* file, listed_file(what_->files, piece));
    SLUICE_TRY(check_position(*file, position));
    return read_ndjson(what_, piece, *file, filter_, position);
  }

  std::uint64_t line_of(const split& piece, std::uint64_t offset) override {
    const auto file = listed_file(what_->files, piece);
    return file.ok() ? what_->line_at(**file, piece.begin + static_cast<std::int64_t>(offset)) : 0;
  }

 private:
  std::shared_ptr<const ndjson_table> what_;
  std::shared_ptr<const row_filter> filter_;
};

std::vector<std::string> file_extensions() { return {"ndjson", "jsonl", "json"}; }

std::unique_ptr<source> make(const source_request& request, diagnostics& faults) {
  const auto before = faults.size();
  auto made = std::make_shared<ndjson_table>();
  auto files = list_files(requested_files(request, file_extensions(), "utf-8"), "ndjson", faults);
  if (!files) return nullptr;
  made->files = std::move(*files);
  if (request.resolved) {
    made->records = read_types(request, faults);
    made->records.schema = records_of(request);
  } else {
    made->records = infer_columns(request, made->files, faults);
  }
  if (auto zone = zone_clock::find(request.context ? request.context->timezone : "UTC"); zone.ok())
    made->zone = *zone;
  else
    faults.push_back(std::move(zone).problem());
  if (faults.size() > before) return nullptr;
  auto columns = source_columns::choose(request, *made->records.schema, true, faults);
  if (!columns.ok()) return nullptr;
  made->columns = std::move(columns).value();
  for (const auto& column : made->columns.columns()) made->whole_files |= column.from == source_columns::origin::row;
  made->sample = request.sample;
  made->unit = request.unit;
  made->number = request.number;
  made->split_bytes = request.split_bytes;
  made->want_positions = request.want_positions;
  // Who names the columns that he wants has said what is to become of the others.
  made->ignore_unknown = !request.columns.empty();
  made->policy = request.policy;
  if (auto tried = made->make_columns(); !tried.ok()) {
    faults.push_back(std::move(tried).problem());
    return nullptr;
  }
  return std::make_unique<ndjson_files>(std::move(made));
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
          "Uncompressed files are read in parallel, unless `metadata:` asks for row numbers. The position of a row is "
          "its byte offset in the split.",
      .value = {.form = shape::object, .help = "the files to read", .elements = text_source_fields()},
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
  };
}

}  // namespace

const component& ndjson_source() {
  static const component made = {
      .spec = spec(), .make_source = make, .files = {.extensions = file_extensions(), .appends = true}};
  return made;
}

}  // namespace sluice
