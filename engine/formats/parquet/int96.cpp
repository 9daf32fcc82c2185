#include "engine/formats/parquet/int96.hpp"

#include "engine/columns/language_columns.hpp"
#include "engine/formats/parquet/parquet_reader.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/status.h>
#include <arrow/type.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>

#include <limits>

namespace sluice {

namespace {

bool is_int96(const parquet::arrow::FileReader& file, int leaf) {
  return const_cast<parquet::arrow::FileReader&>(file)
             .parquet_reader()
             ->metadata()
             ->schema()
             ->Column(leaf)
             ->physical_type() == parquet::Type::INT96;
}

status check_times(const arrow::TimestampArray& micro, const arrow::TimestampArray& nano, const std::string& column,
                   const std::string& file) {
  constexpr std::int64_t farthest = std::numeric_limits<std::int64_t>::max() / 1000;
  for (std::int64_t row = 0; row < micro.length(); ++row) {
    if (micro.IsNull(row)) continue;
    const auto value = micro.Value(row);
    if (value > farthest || value < -farthest || value * 1000 == nano.Value(row)) continue;
    const auto text = nano.GetScalar(row);
    return user_error("value_out_of_range",
                      "column " + column + " of " + file + " contains the time " +
                          (text.ok() ? (*text)->ToString() : std::string("?")) +
                          ", which is more precise than microseconds",
                      "leave the column out: columns: [...]");
  }
  return {};
}

/// Both arrays have the same form, but for the unit of times.
status check_nested(const arrow::Array& micro, const arrow::Array& nano, const std::string& column,
                    const std::string& file) {
  switch (micro.type_id()) {
    case arrow::Type::TIMESTAMP:
      return check_times(static_cast<const arrow::TimestampArray&>(micro),
                         static_cast<const arrow::TimestampArray&>(nano), column, file);
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      return check_nested(*static_cast<const arrow::ListArray&>(micro).values(),
                          *static_cast<const arrow::ListArray&>(nano).values(), column, file);
    case arrow::Type::STRUCT: {
      const auto& fields = static_cast<const arrow::StructArray&>(nano);
      for (int i = 0; i < fields.num_fields(); ++i) {
        // Only the leaves that are INT96 were read a second time.
        const auto same =
            static_cast<const arrow::StructArray&>(micro).GetFieldByName(fields.struct_type()->field(i)->name());
        if (same) SLUICE_TRY(check_nested(*same, *fields.field(i), column, file));
      }
      return {};
    }
    default:
      return {};
  }
}

}  // namespace

bool has_int96(const parquet::arrow::FileReader& file) {
  const auto leaves = const_cast<parquet::arrow::FileReader&>(file).parquet_reader()->metadata()->num_columns();
  for (int leaf = 0; leaf < leaves; ++leaf)
    if (is_int96(file, leaf)) return true;
  return false;
}

int96_check::int96_check(parquet::arrow::FileReader& nanoseconds, std::string file)
    : file_(nanoseconds), name_(std::move(file)) {}
int96_check::~int96_check() = default;

status int96_check::start(const std::vector<int>& groups, const std::vector<int>& leaves) {
  reader_.reset();
  std::vector<int> times;
  for (const int leaf : leaves)
    if (is_int96(file_, leaf)) times.push_back(leaf);
  if (times.empty()) return {};
  auto made = file_.GetRecordBatchReader(groups, times);
  if (!made.ok()) return corrupt_file(name_, "Parquet file", made.status());
  reader_ = std::move(made).ValueUnsafe();
  return {};
}

status int96_check::check(const arrow::RecordBatch& microseconds) {
  if (!reader_) return {};
  std::shared_ptr<arrow::RecordBatch> rows;
  if (const auto got = reader_->ReadNext(&rows); !got.ok()) return corrupt_file(name_, "Parquet file", got);
  if (!rows || rows->num_rows() != microseconds.num_rows())
    return corrupt_file(name_, "Parquet file", arrow::Status::Invalid("its columns have different numbers of rows"));
  for (int i = 0; i < rows->num_columns(); ++i) {
    const auto& column = rows->column_name(i);
    if (const auto same = microseconds.GetColumnByName(column))
      SLUICE_TRY(check_nested(*same, *rows->column(i), column, name_));
  }
  return {};
}

}  // namespace sluice
