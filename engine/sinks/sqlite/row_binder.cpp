#include "engine/sinks/sqlite/row_binder.hpp"

#include "engine/values/powers_of_ten.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>
#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace sluice::sqlite {

struct row_binder::slot {
  enum class outcome { bound, nan, too_large };
  using function = outcome (*)(slot&, sqlite3_stmt*, int, std::int64_t);

  std::string name;
  bool key = false;
  int scale = 0;
  function bind = nullptr;
  const arrow::Array* values = nullptr;
  std::string text;  ///< of the value bound last; SQLite reads it until the row is stored

  template <class Array>
  const Array& as() const {
    return static_cast<const Array&>(*values);
  }
};

namespace {

template <class Slot>
struct binders {
  using outcome = typename Slot::outcome;

  template <class Array>
  static outcome integer(Slot& in, sqlite3_stmt* to, int index, std::int64_t row) {
    sqlite3_bind_int64(to, index, static_cast<sqlite3_int64>(in.template as<Array>().Value(row)));
    return outcome::bound;
  }
  static outcome large_integer(Slot& in, sqlite3_stmt* to, int index, std::int64_t row) {
    const auto value = in.template as<arrow::UInt64Array>().Value(row);
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return outcome::too_large;
    sqlite3_bind_int64(to, index, static_cast<sqlite3_int64>(value));
    return outcome::bound;
  }
  template <class Array>
  static outcome number(Slot& in, sqlite3_stmt* to, int index, std::int64_t row) {
    const double value = in.template as<Array>().Value(row);
    if (std::isnan(value)) return outcome::nan;
    sqlite3_bind_double(to, index, value);
    return outcome::bound;
  }
  static outcome decimal_number(Slot& in, sqlite3_stmt* to, int index, std::int64_t row) {
    // At most 15 digits: both numbers are exact doubles and their quotient is rounded once.
    const arrow::Decimal128 value(in.template as<arrow::Decimal128Array>().GetValue(row));
    const auto unscaled = static_cast<std::int64_t>(value);
    if (in.scale == 0)
      sqlite3_bind_int64(to, index, unscaled);
    else
      sqlite3_bind_double(to, index, static_cast<double>(unscaled) / exact_powers_of_ten[in.scale]);
    return outcome::bound;
  }
  static outcome bytes(Slot& in, sqlite3_stmt* to, int index, std::int64_t row) {
    const auto value = in.template as<arrow::BinaryArray>().GetView(row);
    sqlite3_bind_blob64(to, index, value.data() == nullptr ? "" : value.data(), value.size(), SQLITE_STATIC);
    return outcome::bound;
  }
  static outcome plain_text(Slot& in, sqlite3_stmt* to, int index, std::int64_t row) {
    const auto value = in.template as<arrow::StringArray>().GetView(row);
    return text(to, index, value.data() == nullptr ? std::string_view("") : value);
  }
  static outcome canonical_text(Slot& in, sqlite3_stmt* to, int index, std::int64_t row) {
    in.text.clear();
    append_value(in.text, *in.values, row);
    return text(to, index, in.text);
  }
  static outcome zoned(Slot& in, sqlite3_stmt* to, int index, std::int64_t row) {
    in.text.resize(longest_value);
    in.text.resize(static_cast<std::size_t>(
        write_timestamp(in.text.data(), in.template as<arrow::TimestampArray>().Value(row), false) - in.text.data()));
    in.text += "+00:00";
    return text(to, index, in.text);
  }
  static outcome text(sqlite3_stmt* to, int index, std::string_view value) {
    sqlite3_bind_text64(to, index, value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8);
    return outcome::bound;
  }

  static typename Slot::function choose(const arrow::DataType& type, affinity kind) {
    switch (type.id()) {
      case arrow::Type::BOOL:
        return integer<arrow::BooleanArray>;
      case arrow::Type::INT16:
        return integer<arrow::Int16Array>;
      case arrow::Type::INT32:
        return integer<arrow::Int32Array>;
      case arrow::Type::INT64:
        return integer<arrow::Int64Array>;
      case arrow::Type::UINT64:
        return large_integer;
      case arrow::Type::FLOAT:
        return number<arrow::FloatArray>;
      case arrow::Type::DOUBLE:
        return number<arrow::DoubleArray>;
      case arrow::Type::DECIMAL128: {
        const bool small = static_cast<const arrow::DecimalType&>(type).precision() <= exact_digits;
        return small && kind != affinity::text && kind != affinity::none ? decimal_number : canonical_text;
      }
      case arrow::Type::STRING:
        return plain_text;
      case arrow::Type::BINARY:
        return bytes;
      case arrow::Type::TIMESTAMP:
        return static_cast<const arrow::TimestampType&>(type).timezone().empty() ? canonical_text : zoned;
      default:
        return canonical_text;
    }
  }
};

}  // namespace

row_binder::row_binder(const table& into, bool null_for_misfits) : null_for_misfits_(null_for_misfits) {
  for (const auto& one : into.columns) {
    slot made;
    made.name = one.name;
    made.key = std::find(into.key.begin(), into.key.end(), one.name) != into.key.end();
    if (one.type->id() == arrow::Type::DECIMAL128)
      made.scale = static_cast<const arrow::DecimalType&>(*one.type).scale();
    made.bind = binders<slot>::choose(*one.type, one.kind);
    slots_.push_back(std::move(made));
  }
}

row_binder::~row_binder() = default;

void row_binder::start(std::shared_ptr<arrow::RecordBatch> rows) {
  rows_ = std::move(rows);
  for (std::size_t i = 0; i < slots_.size(); ++i) slots_[i].values = rows_->column(static_cast<int>(i)).get();
}

void row_binder::bind_column(sqlite3_stmt* to, int index, std::size_t column, std::int64_t row) {
  auto& one = slots_[column];
  if (one.values->IsNull(row) || one.bind(one, to, index, row) != slot::outcome::bound) sqlite3_bind_null(to, index);
}

std::optional<row_error> row_binder::bind(sqlite3_stmt* to, std::int64_t row) {
  row_nulls_ = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    auto& one = slots_[i];
    const int index = static_cast<int>(i) + 1;
    auto outcome = slot::outcome::bound;
    const bool null = one.values->IsNull(row);
    if (!null) outcome = one.bind(one, to, index, row);
    const bool misfit = outcome != slot::outcome::bound;
    if (null || misfit) sqlite3_bind_null(to, index);
    if (one.key && (null || misfit))
      return row_error{
          row, "null_key", one.name,
          "a key column must have a value, found " + (null ? std::string("null") : value_text(*one.values, row))};
    if (misfit && null_for_misfits_) ++row_nulls_;
    if (!misfit || null_for_misfits_) continue;
    if (outcome == slot::outcome::nan)
      return row_error{row, "not_representable", one.name, "SQLite has no NaN; it would become null"};
    return row_error{row, "numeric_overflow", one.name,
                     "the largest integer in SQLite is 9223372036854775807, found " + value_text(*one.values, row)};
  }
  return std::nullopt;
}

std::string row_binder::describe(std::int64_t row) const {
  constexpr std::size_t enough = 200;
  std::string text;
  for (const auto& one : slots_) {
    text +=
        (text.empty() ? "" : ", ") + one.name + "=" + (one.values->IsNull(row) ? "null" : value_text(*one.values, row));
    if (text.size() > enough) return text.substr(0, enough) + "...";
  }
  return text;
}

}  // namespace sluice::sqlite
