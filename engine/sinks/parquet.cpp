#include "engine/component.hpp"
#include "engine/formats/file_target.hpp"
#include "engine/formats/file_target_stream.hpp"
#include "engine/memory/manager.hpp"
#include "engine/sinks/file_sink_options.hpp"
#include "engine/types.hpp"
#include "engine/version.hpp"

#include <arrow/api.h>
#include <parquet/arrow/writer.h>

#include <optional>

namespace sluice {

namespace {

constexpr std::int64_t smallest_row_group = 100'000;
constexpr std::int64_t default_row_group = 1024 * 1024;
// A row group is encoded in memory until it is complete; wide rows end it early.
constexpr std::int64_t row_group_bytes = 64 * 1024 * 1024;

struct parquet_options {
  std::string path;
  parquet::Compression::type compression = parquet::Compression::SNAPPY;
  std::optional<int> level;
  std::int64_t row_group_rows = default_row_group;
};

class parquet_file : public sink {
 public:
  parquet_file(const sink_request& request, parquet_options what)
      : schema_(request.schema), what_(std::move(what)), target_(request, what_.path), stream_(target_) {
    if (request.context != nullptr && request.context->memory) memory_.emplace(request.context->memory, request.unit);
  }
  ~parquet_file() override { parquet_file::abort(); }

  status open() override {
    SLUICE_TRY(target_.open());
    parquet::WriterProperties::Builder file;
    file.compression(what_.compression)->created_by(std::string("sluice version ") + version());
    if (what_.level) file.compression_level(*what_.level);
    file.max_row_group_length(what_.row_group_rows);
    // The Arrow schema goes into the file, so that unsigned and zoned types come back as they were.
    const auto columns = parquet::ArrowWriterProperties::Builder().store_schema()->build();
    // Arrow's writers look into the stream only as long as it lives; here it outlives them.
    const std::shared_ptr<arrow::io::OutputStream> unowned(std::shared_ptr<void>(), &stream_);
    auto made =
        parquet::arrow::FileWriter::Open(*schema_, arrow::default_memory_pool(), unowned, file.build(), columns);
    if (!made.ok()) return stream_.explain(made.status(), "write the Parquet file " + target_.path());
    writer_ = std::move(made).ValueUnsafe();
    return {};
  }

  status write(const batch& rows, row_errors&) override {
    if (rows.rows() == 0) return {};
    const auto bytes = rows.bytes();
    const bool large =
        group_bytes_ + bytes > row_group_bytes || (memory_ && !memory_->resize(group_bytes_ + bytes).ok());
    if (large && group_rows_ >= smallest_row_group) SLUICE_TRY(checked(writer_->NewBufferedRowGroup()));
    if ((large && group_rows_ >= smallest_row_group) || group_rows_ >= what_.row_group_rows)
      group_rows_ = group_bytes_ = 0;
    SLUICE_TRY(checked(writer_->WriteRecordBatch(*rows.data)));
    // A batch that fills a row group goes on in the next one.
    group_rows_ = (group_rows_ + rows.rows() - 1) % what_.row_group_rows + 1;
    group_bytes_ += bytes;
    if (memory_) (void)memory_->resize(group_bytes_);
    loaded_ += static_cast<std::uint64_t>(rows.rows());
    return {};
  }

  result<sink_report> prepare() override {
    SLUICE_TRY(checked(writer_->Close()));
    SLUICE_TRY(checked(stream_.Close()));
    writer_.reset();
    memory_.reset();
    SLUICE_TRY(target_.prepare());
    return sink_report{
        .loaded = loaded_, .bytes = static_cast<std::uint64_t>(target_.bytes()), .target = target_.path()};
  }

  status commit() override { return target_.commit(); }

  void abort() noexcept override {
    stream_.drop();
    writer_.reset();
    memory_.reset();
    target_.abort();
  }

 private:
  status checked(const arrow::Status& done) {
    return done.ok() ? status{} : status(stream_.explain(done, "write the Parquet file " + target_.path()));
  }

  std::shared_ptr<arrow::Schema> schema_;
  parquet_options what_;
  file_target target_;
  file_target_stream stream_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  std::optional<memory::reservation> memory_;
  std::int64_t group_rows_ = 0;
  std::int64_t group_bytes_ = 0;
  std::uint64_t loaded_ = 0;
};

bool has_interval(const arrow::DataType& type) {
  if (type.id() == arrow::Type::INTERVAL_MONTH_DAY_NANO) return true;
  for (const auto& field : type.fields())
    if (has_interval(*field->type())) return true;
  return false;
}

std::unique_ptr<sink> make(const sink_request& request, diagnostics& faults) {
  const auto before = faults.size();
  parquet_options what;
  what.path = target_path(request, "parquet", faults);
  if (request.mode == "append")
    faults.push_back(
        user_error("not_supported", "a Parquet file can't be appended to", "write another file, or mode: replace"));
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
                     user_error("unknown_compression", "Parquet files are not compressed by " + compression,
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
                   "smaller ones make files large and slow to read")));
  if (own.is_object() && own.contains("partition_by") && !own["partition_by"].is_null())
    faults.push_back(
        option_fault("parquet", "partition_by",
                     user_error("not_supported_yet", "partition_by is not supported yet", "write one file")));
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
  return std::make_unique<parquet_file>(request, std::move(what));
}

component_spec spec() {
  return {
      .name = "parquet",
      .kind = component_kind::sink,
      .summary = "Writes one Parquet file",
      .description =
          "The file appears under its name when it is complete. Columns are encoded by dictionary where that is "
          "smaller "
          "and carry statistics. A row group ends at `row_group_rows` rows, or earlier, at 100,000 rows or more, when "
          "it "
          "has 64 MiB: it is kept in memory until then.",
      .value = {.form = shape::object,
                .help = "where to and how",
                .elements = {target_path_field("out/sales.parquet"),
                             compression_field({"snappy", "zstd", "gzip", "lz4", "none"}, "snappy", "of the columns"),
                             {.name = "level",
                              .form = shape::integer,
                              .help = "of the compression (zstd: 1, gzip: 6 unless given)"},
                             {.name = "row_group_rows",
                              .form = shape::integer,
                              .help = "rows in a row group, at least 100000",
                              .default_value = default_row_group},
                             {.name = "partition_by",
                              .form = shape::list,
                              .help = "not supported yet",
                              .elements = {{.form = shape::column}}}}},
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
      .modes = {"replace", "error"},
  };
}

}  // namespace

const component& parquet_sink() {
  static const component made = {.spec = spec(), .make_sink = make};
  return made;
}

}  // namespace sluice
