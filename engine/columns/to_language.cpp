#include "engine/columns/language_columns.hpp"
#include "engine/values/short_bytes.hpp"
#include "engine/values/types.hpp"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/util/bitmap_ops.h>

#include <limits>

namespace sluice {

namespace {

using array_ptr = std::shared_ptr<arrow::Array>;
using type_ptr = std::shared_ptr<arrow::DataType>;

constexpr const char* doing = "read a column";

/// A list may show the same elements in many rows; more than this in one batch is no honest file.
constexpr std::int64_t most_elements = std::int64_t{1} << 28;

/// The texts that numbers of a dictionary stand for. Null where Arrow's cast has to do it: other types of numbers or
/// texts, nulls within the dictionary, more than 2 GiB.
result<std::shared_ptr<arrow::Array>> texts_of(const arrow::DictionaryArray& values) {
  const auto& from = *values.dictionary();
  const bool view = from.type_id() == arrow::Type::STRING_VIEW;
  if (values.indices()->type_id() != arrow::Type::INT32 || from.null_count() > 0 ||
      (!view && from.type_id() != arrow::Type::STRING))
    return std::shared_ptr<arrow::Array>();
  std::vector<std::string_view> texts;
  texts.reserve(static_cast<std::size_t>(from.length()));
  for (std::int64_t i = 0; i < from.length(); ++i)
    texts.push_back(view ? static_cast<const arrow::StringViewArray&>(from).GetView(i)
                         : static_cast<const arrow::StringArray&>(from).GetView(i));
  const auto& numbers = static_cast<const arrow::Int32Array&>(*values.indices());
  const auto rows = values.length();
  const bool nulls = values.null_count() > 0;
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> offsets, arrow::AllocateBuffer((rows + 1) * 4), "read texts");
  auto* ends = reinterpret_cast<std::int32_t*>(offsets->mutable_data());
  std::int64_t total = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    ends[row] = static_cast<std::int32_t>(total);
    if (!nulls || values.IsValid(row)) total += std::ssize(texts[static_cast<std::size_t>(numbers.Value(row))]);
    if (total > std::numeric_limits<std::int32_t>::max()) return std::shared_ptr<arrow::Array>();
  }
  ends[rows] = static_cast<std::int32_t>(total);
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> bytes, arrow::AllocateBuffer(total), "read texts");
  for (std::int64_t row = 0; row < rows; ++row) {
    if (ends[row] == ends[row + 1]) continue;
    const auto text = texts[static_cast<std::size_t>(numbers.Value(row))];
    short_copy(bytes->mutable_data() + ends[row], text.data(), text.size());
  }
  std::shared_ptr<arrow::Buffer> valid;
  if (nulls) {
    SLUICE_ASSIGN_ARROW(
        valid,
        arrow::internal::CopyBitmap(arrow::default_memory_pool(), numbers.null_bitmap_data(), numbers.offset(), rows),
        "read texts");
  }
  return std::shared_ptr<arrow::Array>(std::make_shared<arrow::StringArray>(rows, std::move(offsets), std::move(bytes),
                                                                            std::move(valid), values.null_count()));
}

/// The nulls of `values` from bit 0; null where there are none.
result<std::shared_ptr<arrow::Buffer>> validity_of(const arrow::Array& values) {
  if (values.null_count() == 0) return std::shared_ptr<arrow::Buffer>();
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> bits,
                      arrow::internal::CopyBitmap(arrow::default_memory_pool(), values.null_bitmap_data(),
                                                  values.offset(), values.length()),
                      doing);
  return bits;
}

/// Converts the values of one column, whose name and file errors carry.
class converter {
 public:
  converter(const std::string& column, const std::string& file) : column_(column), file_(file) {}

  result<array_ptr> convert(const array_ptr& values, const type_ptr& type) const {
    if (values->type()->Equals(*type)) return values;
    switch (values->type_id()) {
      case arrow::Type::EXTENSION:
        return convert(static_cast<const arrow::ExtensionArray&>(*values).storage(), type);
      case arrow::Type::DICTIONARY:
        return from_dictionary(static_cast<const arrow::DictionaryArray&>(*values), type);
      case arrow::Type::RUN_END_ENCODED:
        return from_runs(static_cast<const arrow::RunEndEncodedArray&>(*values), type);
      case arrow::Type::LIST:
      case arrow::Type::MAP:
        return from_list(static_cast<const arrow::ListArray&>(*values), type);
      case arrow::Type::LARGE_LIST:
        return from_list(static_cast<const arrow::LargeListArray&>(*values), type);
      case arrow::Type::FIXED_SIZE_LIST:
        return from_fixed_list(static_cast<const arrow::FixedSizeListArray&>(*values), type);
      case arrow::Type::LIST_VIEW:
        return from_view(static_cast<const arrow::ListViewArray&>(*values), type);
      case arrow::Type::LARGE_LIST_VIEW:
        return from_view(static_cast<const arrow::LargeListViewArray&>(*values), type);
      case arrow::Type::STRUCT:
        return from_struct(static_cast<const arrow::StructArray&>(*values), type);
      case arrow::Type::DURATION:
        return from_duration(static_cast<const arrow::DurationArray&>(*values), type);
      case arrow::Type::INTERVAL_MONTHS:
        return from_months(static_cast<const arrow::MonthIntervalArray&>(*values));
      case arrow::Type::INTERVAL_DAY_TIME:
        return from_day_time(static_cast<const arrow::DayTimeIntervalArray&>(*values));
      default:
        return cast(values, type);
    }
  }

 private:
  [[nodiscard]] error fault(const std::string& value, const arrow::DataType& from, const arrow::DataType& to) const {
    return user_error("value_out_of_range",
                      "column " + column_ + " of " + file_ + " contains the " + from.ToString() + " " + value +
                          ", which " + type_name(to) + " can't represent",
                      "leave the column out: columns: [...]; or write it with another type");
  }

  /// Fails with the first value that does not fit.
  result<array_ptr> cast(const array_ptr& values, const type_ptr& type) const {
    const auto how = arrow::compute::CastOptions::Safe(type);
    auto done = arrow::compute::Cast(*values, type, how);
    if (done.ok()) return std::move(done).ValueUnsafe();
    for (std::int64_t row = 0; row < values->length(); ++row) {
      const auto one = values->Slice(row, 1);
      if (values->IsNull(row) || arrow::compute::Cast(*one, type, how).ok()) continue;
      const auto value = values->GetScalar(row);
      return fault(value.ok() ? (*value)->ToString() : std::string("?"), *values->type(), *type);
    }
    return user_error("value_out_of_range",
                      "column " + column_ + " of " + file_ + " contains values of type " + values->type()->ToString() +
                          " that can't be read as " + type_name(*type) + ": " + done.status().message(),
                      "leave the column out: columns: [...]");
  }

  result<array_ptr> take(const array_ptr& values, const std::vector<std::int64_t>& rows) const {
    const auto indices = std::make_shared<arrow::Int64Array>(std::ssize(rows), arrow::Buffer::Wrap(rows));
    SLUICE_ASSIGN_ARROW(auto taken,
                        arrow::compute::Take(*values, *indices, arrow::compute::TakeOptions::NoBoundsCheck()), doing);
    return taken;
  }

  result<array_ptr> from_dictionary(const arrow::DictionaryArray& values, const type_ptr& type) const {
    if (type->id() == arrow::Type::STRING) {
      SLUICE_ASSIGN(auto texts, texts_of(values));
      if (texts) return texts;
    }
    SLUICE_ASSIGN(const auto entries, convert(values.dictionary(), type));
    SLUICE_ASSIGN_ARROW(auto taken, arrow::compute::Take(*entries, *values.indices()), doing);
    return taken;
  }

  result<array_ptr> from_runs(const arrow::RunEndEncodedArray& values, const type_ptr& type) const {
    SLUICE_ASSIGN(const auto runs, convert(values.values(), type));
    SLUICE_ASSIGN_ARROW(const auto wide_ends, arrow::compute::Cast(*values.run_ends(), arrow::int64()), doing);
    const auto& ends = static_cast<const arrow::Int64Array&>(*wide_ends);
    std::vector<std::int64_t> rows;
    rows.reserve(static_cast<std::size_t>(values.length()));
    auto run = values.FindPhysicalOffset();
    for (std::int64_t row = 0; row < values.length(); ++row) {
      while (ends.Value(run) <= values.offset() + row) ++run;
      rows.push_back(run);
    }
    return take(runs, rows);
  }

  /// `offsets` has a value more than the list has rows; `elements` begin at the first of them.
  result<array_ptr> make_list(const type_ptr& type, const arrow::Array& rows, std::vector<std::int32_t> offsets,
                              const array_ptr& elements) const {
    SLUICE_ASSIGN(auto inner, convert(elements, type->field(0)->type()));
    SLUICE_ASSIGN(auto valid, validity_of(rows));
    return array_ptr(std::make_shared<arrow::ListArray>(type, rows.length(),
                                                        arrow::Buffer::FromVector(std::move(offsets)), std::move(inner),
                                                        std::move(valid), rows.null_count()));
  }

  /// Of a slice of a long list only the elements of the slice are converted.
  template <class List>
  result<array_ptr> from_list(const List& list, const type_ptr& type) const {
    const std::int64_t first = list.value_offset(0);
    const std::int64_t last = list.value_offset(list.length());
    if (last - first > std::numeric_limits<std::int32_t>::max()) return too_many(last - first);
    std::vector<std::int32_t> offsets(static_cast<std::size_t>(list.length()) + 1);
    for (std::int64_t row = 0; row <= list.length(); ++row)
      offsets[static_cast<std::size_t>(row)] = static_cast<std::int32_t>(list.value_offset(row) - first);
    return make_list(type, list, std::move(offsets), list.values()->Slice(first, last - first));
  }

  result<array_ptr> from_fixed_list(const arrow::FixedSizeListArray& list, const type_ptr& type) const {
    const std::int64_t width = list.list_type()->list_size();
    if (width * list.length() > std::numeric_limits<std::int32_t>::max()) return too_many(width * list.length());
    std::vector<std::int32_t> offsets;
    for (std::int64_t row = 0; row <= list.length(); ++row) offsets.push_back(static_cast<std::int32_t>(row * width));
    return make_list(type, list, std::move(offsets), list.values()->Slice(list.value_offset(0), width * list.length()));
  }

  /// The rows of a view may show its elements in any order, several times or not at all.
  template <class View>
  result<array_ptr> from_view(const View& view, const type_ptr& type) const {
    std::int64_t total = 0;
    for (std::int64_t row = 0; row < view.length(); ++row) {
      if (view.IsValid(row)) total += view.value_length(row);
      if (total > most_elements) return too_many(total);
    }
    std::vector<std::int32_t> offsets{0};
    std::vector<std::int64_t> elements;
    elements.reserve(static_cast<std::size_t>(total));
    for (std::int64_t row = 0; row < view.length(); ++row) {
      if (view.IsValid(row))
        for (std::int64_t i = 0; i < view.value_length(row); ++i) elements.push_back(view.value_offset(row) + i);
      offsets.push_back(static_cast<std::int32_t>(elements.size()));
    }
    SLUICE_ASSIGN(const auto shown, take(view.values(), elements));
    return make_list(type, view, std::move(offsets), shown);
  }

  result<array_ptr> from_struct(const arrow::StructArray& values, const type_ptr& type) const {
    arrow::ArrayVector fields;
    for (int i = 0; i < values.num_fields(); ++i) {
      SLUICE_ASSIGN(auto field, convert(values.field(i), type->field(i)->type()));
      fields.push_back(std::move(field));
    }
    SLUICE_ASSIGN(auto valid, validity_of(values));
    return array_ptr(std::make_shared<arrow::StructArray>(type, values.length(), std::move(fields), std::move(valid),
                                                          values.null_count()));
  }

  /// Fills intervals by `set(row)`, which gives false where a value does not fit.
  template <class Values, class Set>
  result<array_ptr> intervals(const Values& values, Set set) const {
    arrow::MonthDayNanoIntervalBuilder made;
    SLUICE_TRY_ARROW(made.Reserve(values.length()), doing);
    for (std::int64_t row = 0; row < values.length(); ++row) {
      arrow::MonthDayNanoIntervalType::MonthDayNanos value{0, 0, 0};
      if (values.IsNull(row)) {
        made.UnsafeAppendNull();
      } else if (set(row, value)) {
        made.UnsafeAppend(value);
      } else {
        const auto scalar = values.GetScalar(row);
        return fault(scalar.ok() ? (*scalar)->ToString() : "?", *values.type(), *interval_type());
      }
    }
    SLUICE_ASSIGN_ARROW(auto done, made.Finish(), doing);
    return done;
  }

  /// An interval counts whole microseconds.
  result<array_ptr> from_duration(const arrow::DurationArray& values, const type_ptr&) const {
    const auto unit = static_cast<const arrow::DurationType&>(*values.type()).unit();
    const std::int64_t nanoseconds = unit == arrow::TimeUnit::SECOND  ? 1'000'000'000
                                     : unit == arrow::TimeUnit::MILLI ? 1'000'000
                                     : unit == arrow::TimeUnit::MICRO ? 1'000
                                                                      : 1;
    return intervals(values, [&](std::int64_t row, auto& into) {
      return !__builtin_mul_overflow(values.Value(row), nanoseconds, &into.nanoseconds) && into.nanoseconds % 1000 == 0;
    });
  }

  result<array_ptr> from_months(const arrow::MonthIntervalArray& values) const {
    return intervals(values, [&](std::int64_t row, auto& into) {
      into.months = values.Value(row);
      return true;
    });
  }

  result<array_ptr> from_day_time(const arrow::DayTimeIntervalArray& values) const {
    return intervals(values, [&](std::int64_t row, auto& into) {
      const auto value = values.GetValue(row);
      into.days = value.days;
      into.nanoseconds = std::int64_t{value.milliseconds} * 1'000'000;
      return true;
    });
  }

  [[nodiscard]] error too_many(std::int64_t elements) const {
    return user_error("value_out_of_range",
                      "the lists of column " + column_ + " of " + file_ + " have " + std::to_string(elements) +
                          " elements in one batch, which is more than a batch can hold",
                      "write it with smaller batches, or leave the column out: columns: [...]");
  }

  const std::string& column_;
  const std::string& file_;
};

}  // namespace

result<std::shared_ptr<arrow::Array>> to_language(const std::shared_ptr<arrow::Array>& values,
                                                  const std::shared_ptr<arrow::DataType>& type,
                                                  const std::string& column, const std::string& file) {
  return converter(column, file).convert(values, type);
}

}  // namespace sluice
