#include "engine/columns/file_types.hpp"
#include "engine/component/component.hpp"
#include "engine/component/grows_in_place.hpp"
#include "engine/files/arrow_file_sink.hpp"
#include "engine/files/file_among_many.hpp"
#include "engine/files/file_sink_options.hpp"
#include "engine/formats/parquet/encoding_threads.hpp"
#include "engine/formats/parquet/encryption.hpp"
#include "engine/formats/parquet/row_writer.hpp"
#include "engine/memory/manager.hpp"
#include "engine/sinks/folders/folder_sink.hpp"
#include "engine/values/types.hpp"
#include "engine/version.hpp"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <parquet/file_reader.h>
#include <parquet/properties.h>

#include <optional>

namespace sluice {

namespace {

constexpr std::int64_t smallest_row_group = 100'000;
constexpr std::int64_t smallest_among_many = 16 * 1024;  // where memory is short
constexpr std::int64_t largest_dictionary = 1024 * 1024;
constexpr std::int64_t dictionary_among_many = 128 * 1024;  // it is held until the row group ends
constexpr std::int64_t default_row_group = 1024 * 1024;
// A row group is kept in memory until it is complete, encoded, and whoever reads it may have all of it decoded.
constexpr std::int64_t row_group_encoded_bytes = 32 * 1024 * 1024;
constexpr std::int64_t row_group_decoded_bytes = 64 * 1024 * 1024;

struct parquet_options {
  std::string path;
  parquet::Compression::type compression = parquet::Compression::SNAPPY;
  std::optional<int> level;
  std::int64_t row_group_rows = default_row_group;
  options encryption = {};  ///< null: none
};

/// What a complete file holds, to write its footer anew.
result<std::shared_ptr<parquet::FileMetaData>> footer_of(const std::string& path) {
  const auto doing = "continue " + path;
  SLUICE_ASSIGN_ARROW(auto file, arrow::io::ReadableFile::Open(path), doing);
  try {
    return parquet::ReadMetaData(std::shared_ptr<arrow::io::RandomAccessFile>(std::move(file)));
  } catch (const std::exception& thrown) {
    return external_error("prepared_lost", doing + ": " + thrown.what(), "--fresh starts again");
  }
}

class parquet_file : public arrow_file_sink, public file_among_many, public grows_in_place {
 public:
  parquet_file(const sink_request& request, const parquet_options& what)
      : arrow_file_sink(request, what.path, "the Parquet file", "parquet"), schema_(request.schema), what_(what) {
    if (request.context != nullptr && request.context->memory) memory_.emplace(request.context->memory, request.unit);
  }
  ~parquet_file() override { let_go(); }

  bool share(std::shared_ptr<void>& among) override {
    if (what_.encryption.is_object() || !parquet_writing::can_encode(*schema_, *properties())) return false;
    if (!among)
      among = std::make_shared<parquet_writing::encoding_threads>(static_cast<std::size_t>(schema_->num_fields()));
    threads_ = std::static_pointer_cast<parquet_writing::encoding_threads>(among);
    return true;
  }
  [[nodiscard]] bool can_grow() const override { return target_.can_grow() && !what_.encryption.is_object(); }
  void grow(std::string behind) override { target_.grow(std::move(behind)); }
  void forget(const std::string& token) noexcept override { file_target::forget(token); }
  status settle() override { return writer_->settle(); }
  status let_out() override {
    SLUICE_TRY(writer_->end_row_group());
    return checked(stream_.Flush());
  }
  [[nodiscard]] std::int64_t held_bytes() const override { return held(); }

 protected:
  status begin() override {
    if (what_.encryption.is_object()) {
      SLUICE_ASSIGN(encryption_, parquet_encryption::encryption(what_.encryption, *file_schema(schema_)));
    }
    std::shared_ptr<parquet::FileMetaData> before;
    if (target_.size() > 0) {
      SLUICE_ASSIGN(before, footer_of(target_.hidden()));
    }
    SLUICE_ASSIGN(writer_, parquet_writing::make_row_writer(
                               schema_,
                               {.properties = properties(),
                                .row_group_rows = what_.row_group_rows,
                                .smallest_row_group = threads_ ? smallest_among_many : smallest_row_group,
                                .encoded_bytes = row_group_encoded_bytes,
                                .decoded_bytes = row_group_decoded_bytes,
                                .dictionary_bytes = threads_ ? dictionary_among_many : largest_dictionary,
                                .before = std::move(before),
                                .threads = threads_},
                               stream_));
    return writer_->open();
  }

  status add(const batch& rows) override {
    const bool short_of_memory = memory_ && !memory_->resize(writer_->held() + rows.bytes()).ok();
    return writer_->write(rows, short_of_memory);
  }

  status end() override { return writer_->close(); }
  [[nodiscard]] std::int64_t held() const override { return writer_ ? writer_->held() : 0; }

  void drop() noexcept override {
    writer_.reset();
    if (memory_) memory_->take(0);
  }

 private:
  [[nodiscard]] std::shared_ptr<parquet::WriterProperties> properties() const {
    parquet::WriterProperties::Builder file;
    file.compression(what_.compression)->created_by(std::string("sluice version ") + version());
    if (what_.level) file.compression_level(*what_.level);
    file.max_row_group_length(what_.row_group_rows);
    if (encryption_) file.encryption(encryption_);
    return file.build();
  }

  std::shared_ptr<arrow::Schema> schema_;
  parquet_options what_;
  std::shared_ptr<parquet::FileEncryptionProperties> encryption_;  ///< null: none
  std::shared_ptr<parquet_writing::encoding_threads> threads_;     ///< null unless they are shared
  std::unique_ptr<parquet_writing::row_writer> writer_;
  std::optional<memory::reservation> memory_;
};

bool has_interval(const arrow::DataType& type) {
  if (type.id() == arrow::Type::INTERVAL_MONTH_DAY_NANO) return true;
  for (const auto& field : type.fields())
    if (has_interval(*field->type())) return true;
  return false;
}

std::unique_ptr<sink> make(const sink_request& request, diagnostics& faults) {
  if (writes_folder(request.own)) return make_folder(request, "parquet", make, faults);
  const auto before = faults.size();
  parquet_options what;
  what.path = target_path(request, "parquet", faults);
  refuse_append(request, "a Parquet file", faults);
  const auto compression = text_option(request.own, "compression", "snappy");
  if (compression == "none") {
    what.compression = parquet::Compression::UNCOMPRESSED;
  } else if (compression == "zstd") {
    what.compression = parquet::Compression::ZSTD;
    what.level = 1;
  } else if (compression == "gzip") {
    what.compression = parquet::Compression::GZIP;
  } else if (compression == "lz4") {
    what.compression = parquet::Compression::LZ4;
  } else if (compression != "snappy") {
    faults.push_back(
        option_fault("parquet", "compression",
                     user_error("unknown_compression", "Parquet files can't be compressed with " + compression,
                                "known are snappy, zstd, gzip, lz4 and none")));
  }
  const auto& own = request.own;
  if (own.is_object() && own.contains("level") && own["level"].is_number_integer())
    what.level = own["level"].get<int>();
  if (own.is_object() && own.contains("row_group_rows") && own["row_group_rows"].is_number_integer())
    what.row_group_rows = own["row_group_rows"].get<std::int64_t>();
  if (what.row_group_rows < smallest_row_group)
    faults.push_back(option_fault(
        "parquet", "row_group_rows",
        user_error("invalid_option", "a row group has at least 100000 rows, not " + std::to_string(what.row_group_rows),
                   "smaller row groups make files large and slow to read")));
  if (own.is_object() && own.contains("encryption")) {
    what.encryption = own["encryption"];
    parquet_encryption::check(what.encryption, request.schema.get(), faults);
  }
  if (request.schema) {
    if (request.schema->num_fields() == 0)
      faults.push_back(user_error("no_columns", "a Parquet file needs at least one column", "select some"));
    for (const auto& field : request.schema->fields()) {
      if (has_interval(*field->type()))
        faults.push_back(
            user_error("not_supported",
                       "Parquet has no intervals: column " + field->name() + " is of type " + type_name(*field->type()),
                       "cast it to text before: derive: { " + field->name() + ": \"" + field->name() + "::text\" }"));
    }
  }
  if (faults.size() > before) return nullptr;
  return std::make_unique<parquet_file>(request, what);
}

component_spec spec() {
  return {
      .name = "parquet",
      .kind = component_kind::sink,
      .summary = "Writes Parquet: one file, or a folder of files",
      .description =
          "The file appears under its name when it is complete. Columns are dictionary-encoded where that is smaller, "
          "and have statistics and a page index. They are encoded in parallel on all cores; if a column is nested or a "
          "decimal with more than 38 digits, all columns are encoded on one core. A row group has `row_group_rows` "
          "rows. It ends earlier, but not below 100,000 rows, when it reaches 32 MiB in the file or 64 MiB in a "
          "reader's memory. A row group is kept in memory until it is complete.\n\n"
          "`encryption: { key: \"${secret:lake}\", key_id: lake }` encrypts the file so that any program with the key "
          "can "
          "read it (Parquet modular encryption, AES-256-GCM): all columns and the footer, or with `columns: { iban: "
          "k2 }` those columns by separate keys, from `keys: { k1: \"${secret:k1}\", k2: ... }` with `footer: k1`. "
          "Files hold the names of keys, so that keys can be replaced. Encrypted files are encoded on one core." +
          folder_description(),
      .value = {.form = shape::object,
                .help = "the file and how to write it",
                .elements = with_folder_fields(
                    {target_path_field("out/sales.parquet"),
                     compression_field({"snappy", "zstd", "gzip", "lz4", "none"}, "snappy",
                                       "compression of the columns"),
                     {.name = "level", .form = shape::integer, .help = "compression level (default: zstd 1, gzip 6)"},
                     {.name = "row_group_rows",
                      .form = shape::integer,
                      .help = "rows per row group, at least 100000",
                      .default_value = default_row_group},
                     parquet_encryption::sink_field()})},
      .law = "in = loaded",
      .example = R"yaml(version: 1
pipeline: parquet-sink-example
extract:
  orders:
    generate: { rows: 1000, columns: { id: sequence, amount: { random: [0.0, 99.9], type: "decimal(12,2)" } } }
load:
  lake:
    from: orders
    parquet: { path: build/examples/orders.parquet, compression: zstd }
)yaml",
      .promise = delivery::transactional,
      .modes = {"replace", "error", "append", "replace_partitions"},
  };
}

}  // namespace

const component& parquet_sink() {
  static const component made = {.spec = spec(), .make_sink = make, .target = stated_files};
  return made;
}

}  // namespace sluice
