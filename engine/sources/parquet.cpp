#include "engine/columns/language_columns.hpp"
#include "engine/columns/row_filter.hpp"
#include "engine/component/component.hpp"
#include "engine/component/takes_filter.hpp"
#include "engine/files/columnar_files.hpp"
#include "engine/files/files.hpp"
#include "engine/files/folder_columns.hpp"
#include "engine/files/listed_files.hpp"
#include "engine/formats/parquet/parquet_reader.hpp"

#include <arrow/type.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <algorithm>

namespace sluice {

namespace {

class parquet_files : public source, public takes_filter {
 public:
  parquet_files(std::shared_ptr<const columnar_table> what, parquet_encryption::key_ring keys)
      : what_(std::move(what)), footers_(std::move(keys)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return what_->columns.schema(); }

  status leave_out_unless(const std::string& condition, const std::string& unit, const run_context& context) override {
    SLUICE_ASSIGN(filter_, row_filter::make(condition, unit, context, schema()));
    return {};
  }

  result<std::vector<split>> discover() override {
    std::vector<split> splits;
    for (const auto& file : what_->files) {
      SLUICE_ASSIGN(const auto reader, footers_.open(file));
      SLUICE_TRY(add_splits(file, *reader->parquet_reader()->metadata(), splits));
    }
    return splits;
  }

  bool replayable() const override { return can_be_read_again(what_->files); }

  result<std::unique_ptr<split_reader>> open(const split& piece, const std::string& position) override {
    SLUICE_ASSIGN(const auto* file, listed_file(what_->files, piece));
    SLUICE_ASSIGN(auto opened, footers_.open(*file));
    std::unique_ptr<parquet::arrow::FileReader> nanoseconds;
    if (has_int96(*opened)) {
      SLUICE_ASSIGN(nanoseconds, footers_.open(*file, arrow::TimeUnit::NANO));
    }
    return read_parquet(what_, piece, std::move(opened), std::move(nanoseconds), filter_, position);
  }

  std::uint64_t line_of(const split& piece, std::uint64_t offset) override {
    const auto file = listed_file(what_->files, piece);
    if (!file.ok()) return 0;
    const auto reader = footers_.open(**file);
    if (!reader.ok()) return 0;
    const auto footer = (*reader)->parquet_reader()->metadata();
    std::int64_t before = 0;
    for (int i = 0; i < std::min<int>(static_cast<int>(piece.begin), footer->num_row_groups()); ++i)
      before += footer->RowGroup(i)->num_rows();
    return static_cast<std::uint64_t>(before) + offset + 1;
  }

 private:
  status add_splits(const input_file& file, const parquet::FileMetaData& footer, std::vector<split>& splits) const {
    try {
      std::int64_t begin = 0;
      std::int64_t bytes = 0;
      for (int group = 0; group < footer.num_row_groups(); ++group) {
        const auto row_group = footer.RowGroup(group);
        // Some writers leave the compressed size out.
        bytes +=
            row_group->total_compressed_size() > 0 ? row_group->total_compressed_size() : row_group->total_byte_size();
        if (bytes < what_->split_bytes && group + 1 < footer.num_row_groups()) continue;
        splits.push_back({.id = static_cast<std::uint32_t>(splits.size()),
                          .object = file.name,
                          .begin = begin,
                          .end = group + 1,
                          .bytes = bytes});
        begin = group + 1;
        bytes = 0;
      }
    } catch (const std::exception& problem) {
      return corrupt_file(file.name, "Parquet file", arrow::Status::Invalid(problem.what()));
    }
    return {};
  }

  std::shared_ptr<const columnar_table> what_;
  std::shared_ptr<const row_filter> filter_;
  parquet_footers footers_;
};

/// Adds the columns that the files' folders give, unless the files have columns of these names.
std::shared_ptr<arrow::Schema> with_partitions(const source_request& request, const std::vector<input_file>& files,
                                               std::shared_ptr<arrow::Schema> records, diagnostics& faults) {
  auto parts = partition_columns(files);
  if (!parts.ok()) {
    faults.push_back(std::move(parts).problem());
    faults.back().path = "/parquet/path";
    return records;
  }
  auto fields = records->fields();
  for (const auto& [name, type] : request.types.items()) {
    const auto found =
        std::find_if(parts->begin(), parts->end(), [&](const auto& part) { return part->name() == name; });
    if (found != parts->end() && type == "text" && records->GetFieldIndex(name) < 0) {
      *found = arrow::field(name, arrow::utf8());
      continue;
    }
    faults.push_back(user_error("not_supported",
                                "types can't be given for Parquet files: the file holds the types of its columns",
                                "only a column taken from folder names (year=2024) can be given the type text; cast "
                                "others in a transform: cast: { amount: double }"));
    faults.back().path = "/types/" + name;
  }
  for (auto& part : *parts)
    if (records->GetFieldIndex(part->name()) < 0) fields.push_back(std::move(part));
  return arrow::schema(std::move(fields));
}

parquet_encryption::key_ring keys_of(const source_request& request, diagnostics& faults) {
  const auto& own = request.own;
  if (!own.is_object() || !own.contains("encryption")) return {};
  return parquet_encryption::read_keys(own["encryption"], faults);
}

read_file_schema reading_schema(const parquet_encryption::key_ring& keys) {
  return [keys](const input_file& file) -> result<std::shared_ptr<arrow::Schema>> {
    SLUICE_ASSIGN(const auto reader, open_parquet(file, nullptr, arrow::TimeUnit::MICRO, keys));
    std::shared_ptr<arrow::Schema> schema;
    if (const auto got = reader->GetSchema(&schema); !got.ok()) return corrupt_file(file.name, "Parquet file", got);
    return schema;
  };
}

std::shared_ptr<arrow::Schema> infer(const source_request& request, const std::vector<input_file>& files,
                                     const parquet_encryption::key_ring& keys, diagnostics& faults) {
  auto records = infer_columnar(request, files, reading_schema(keys), faults);
  return records ? with_partitions(request, files, std::move(records), faults) : nullptr;
}

result<std::shared_ptr<arrow::Schema>> columns_of(const source_request& request, const input_file& file) {
  diagnostics faults;
  const auto keys = keys_of(request, faults);
  if (!faults.empty()) return faults.front();
  return columns_of_file(request, file, reading_schema(keys));
}

std::vector<std::string> file_extensions() { return {"parquet", "pq"}; }

std::unique_ptr<source> make(const source_request& request, diagnostics& faults) {
  const auto before = faults.size();
  auto search = requested_files(request, file_extensions());
  search.compression = "none";  // pages are packed, not files
  auto files = list_files(search, "parquet", faults);
  if (!files) return nullptr;
  auto keys = keys_of(request, faults);
  if (faults.size() > before) return nullptr;
  auto records = request.resolved ? records_of(request) : infer(request, *files, keys, faults);
  if (faults.size() > before) return nullptr;
  auto table = make_columnar_table(request, std::move(*files), std::move(records), true, faults);
  return table ? std::make_unique<parquet_files>(std::move(table), std::move(keys)) : nullptr;
}

component_spec spec() {
  return {
      .name = "parquet",
      .kind = component_kind::source,
      .summary = "Reads Parquet files",
      .description =
          "Only the columns that the pipeline uses are read. If a filter follows directly, row groups without matching "
          "rows are skipped, as far as their statistics show it. Row groups are read in parallel, small neighbouring "
          "ones together. All files must have the columns of the first file, with the same types. Folder names like "
          "`year=2024/` add the column year: bigint or date if all its values are, else text (`types: { year: text }` "
          "makes it text), null for `__HIVE_DEFAULT_PARTITION__`. The position of a row is its number in the split.\n\n"
          "`encryption: { keys: { k1: \"${secret:k1}\" } }` opens encrypted files (Parquet modular encryption), whose "
          "footers name the keys that they need.",
      .value = {.form = shape::object,
                .help = "the files to read",
                .elements = {file_source_fields().front(), parquet_encryption::source_field()}},
      .law = "in = out",
      .example = R"yaml(version: 1
pipeline: parquet-source-example
extract:
  orders:
    parquet: { path: examples/data/shop/products.parquet }
    columns: [sku, price]
load:
  out:
    from: orders
    stdout: {}
)yaml",
  };
}

}  // namespace

const component& parquet_source() {
  static const component made = {.spec = spec(),
                                 .make_source = make,
                                 .files = {.extensions = file_extensions(), .packed = false, .columns = columns_of}};
  return made;
}

}  // namespace sluice
