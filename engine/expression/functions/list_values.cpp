#include "engine/expression/functions/list_values.hpp"

#include "engine/expression/operands.hpp"
#include "engine/values/types.hpp"

#include <arrow/array/concatenate.h>
#include <arrow/compute/api_vector.h>

#include <cmath>

namespace sluice::expression {

lists_of::lists_of(const operand& of)
    : lists_(std::static_pointer_cast<arrow::ListArray>(of.array)), constant_(of.constant) {
  first_ = lists_->value_offset(0);
  elements_ = lists_->values()->Slice(first_, lists_->value_offset(lists_->length()) - first_);
}

namespace {

template <class Float>
bool same_float(const std::uint8_t* left, const std::uint8_t* right) {
  Float a;
  Float b;
  std::memcpy(&a, left, sizeof a);
  std::memcpy(&b, right, sizeof b);
  return a == b || (std::isnan(a) && std::isnan(b));
}

/// An interval as PostgreSQL compares it: a month has 30 days, a day 24 hours.
int128 span_of(const arrow::MonthDayNanoIntervalArray& all, std::int64_t at) {
  const auto value = all.GetValue(at);
  constexpr int128 day = 86'400'000'000'000;
  return (int128{value.months} * 30 + value.days) * day + value.nanoseconds;
}

}  // namespace

same_elements::comparer same_elements::comparer_for(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return [](const same_elements& of, std::int64_t l, std::int64_t r) {
        return static_cast<const arrow::BooleanArray&>(*of.left_).Value(l) ==
               static_cast<const arrow::BooleanArray&>(*of.right_).Value(r);
      };
    case arrow::Type::FLOAT:
      return [](const same_elements& of, std::int64_t l, std::int64_t r) {
        return same_float<float>(of.left_bytes_ + l * 4, of.right_bytes_ + r * 4);
      };
    case arrow::Type::DOUBLE:
      return [](const same_elements& of, std::int64_t l, std::int64_t r) {
        return same_float<double>(of.left_bytes_ + l * 8, of.right_bytes_ + r * 8);
      };
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return [](const same_elements& of, std::int64_t l, std::int64_t r) {
        return static_cast<const arrow::BinaryArray&>(*of.left_).GetView(l) ==
               static_cast<const arrow::BinaryArray&>(*of.right_).GetView(r);
      };
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
      return [](const same_elements& of, std::int64_t l, std::int64_t r) {
        return span_of(static_cast<const arrow::MonthDayNanoIntervalArray&>(*of.left_), l) ==
               span_of(static_cast<const arrow::MonthDayNanoIntervalArray&>(*of.right_), r);
      };
    default:
      if (arrow::is_nested(type.id()))
        return [](const same_elements& of, std::int64_t l, std::int64_t r) {
          return of.left_->RangeEquals(l, l + 1, r, *of.right_);
        };
      return [](const same_elements& of, std::int64_t l, std::int64_t r) {
        const auto width = static_cast<std::int64_t>(of.width_);
        return std::memcmp(of.left_bytes_ + l * width, of.right_bytes_ + r * width, of.width_) == 0;
      };
  }
}

same_elements::same_elements(array_ptr left, array_ptr right)
    : left_(std::move(left)), right_(std::move(right)), compare_(comparer_for(*left_->type())) {
  const auto bytes_of = [&](const array_ptr& of) -> const std::uint8_t* {
    const auto& data = *of->data();
    if (width_ == 0 || data.buffers.size() < 2 || !data.buffers[1]) return nullptr;
    return data.buffers[1]->data() + of->offset() * static_cast<std::int64_t>(width_);
  };
  if (arrow::is_fixed_width(left_->type_id()) && left_->type_id() != arrow::Type::BOOL)
    width_ = static_cast<std::size_t>(left_->type()->byte_width());
  left_bytes_ = bytes_of(left_);
  right_bytes_ = bytes_of(right_);
}

bool same_elements::operator()(std::int64_t left, std::int64_t right) const {
  const bool null = left_->IsNull(left);
  if (null != right_->IsNull(right)) return false;
  return null || compare_(*this, left, right);
}

list_picker::list_picker(std::int64_t rows) : offsets_{0}, valid_(allocate_bitmap(rows)) {
  offsets_.reserve(static_cast<std::size_t>(rows) + 1);
  std::memset(valid_->mutable_data(), 0xff, static_cast<std::size_t>(valid_->size()));
}

void list_picker::end_row(bool valid) {
  if (!valid) {
    clear_bit(valid_->mutable_data(), std::ssize(offsets_) - 1);
    any_null_ = true;
  }
  offsets_.push_back(static_cast<std::int32_t>(picks_.size()));
}

result<array_ptr> list_picker::finish(const type_ptr& list, const array_ptr& from) {
  if (picks_.size() > INT32_MAX)
    return user_error("value_too_large", "the lists of one batch have more than 2 billion elements in total",
                      "make the lists shorter, or the batches smaller");
  arrow::Int64Builder places;
  SLUICE_TRY_ARROW(places.Reserve(std::ssize(picks_)), "make lists");
  for (const auto pick : picks_) {
    if (pick < 0)
      places.UnsafeAppendNull();
    else
      places.UnsafeAppend(pick);
  }
  SLUICE_ASSIGN_ARROW(const auto indices, places.Finish(), "make lists");
  SLUICE_ASSIGN_ARROW(auto values, arrow::compute::Take(*from, *indices, arrow::compute::TakeOptions::NoBoundsCheck()),
                      "make lists");
  const auto rows = std::ssize(offsets_) - 1;
  return array_ptr(std::make_shared<arrow::ListArray>(list, rows, arrow::Buffer::FromVector(std::move(offsets_)),
                                                      std::move(values), any_null_ ? valid_ : nullptr));
}

result<array_ptr> joined_elements(const array_ptr& first, const array_ptr& second) {
  if (second->length() == 0) return first;
  SLUICE_ASSIGN_ARROW(auto joined, arrow::Concatenate({first, second}), "make lists");
  return joined;
}

std::vector<node_ptr> list_and_element(binder& b, const call_site& site, std::size_t list, std::size_t element) {
  auto of = site.args[list];
  auto value = site.args[element];
  if (is_untyped(of.value) && !is_untyped(value.value)) of.value = b.cast(of, arrow::list(value.value->type));
  if (of.value) of.value = b.settle(of);
  if (!of.value) return {};
  if (!is_list(of.value)) {
    b.fault(of.at, "type_mismatch", site.name + " expects a list, found " + type_name(*of.value->type));
    return {};
  }
  const auto wanted = element_type(*of.value->type);
  type_ptr common = is_untyped(value.value) ? wanted : common_type(wanted, value.value->type);
  if (!common) {
    b.fault(value.at, "type_mismatch",
            site.name + " needs an element of type " + type_name(*wanted) + ", found " + kind_of(value.value),
            "cast it: " + text_of(*value.value) + "::" + type_name(*wanted));
    return {};
  }
  of.value = b.cast(of, arrow::list(common));
  value.value = b.cast(value, common);
  if (!of.value || !value.value) return {};
  return {of.value, value.value};
}

std::vector<node_ptr> two_lists(binder& b, const call_site& site) {
  auto left = site.args[0];
  auto right = site.args[1];
  if (is_untyped(left.value))
    left.value = b.cast(left, is_untyped(right.value) ? arrow::list(arrow::utf8()) : right.value->type);
  if (left.value && is_untyped(right.value)) right.value = b.cast(right, left.value->type);
  if (!left.value || !right.value) return {};
  const auto common =
      is_list(left.value) && is_list(right.value) ? common_type(left.value->type, right.value->type) : nullptr;
  if (!common) {
    b.fault(site.at, "type_mismatch",
            site.name + " needs two lists of one type, found " + kind_of(left.value) + " and " + kind_of(right.value),
            site.name == "&&" ? "between conditions write and" : "");
    return {};
  }
  left.value = b.cast(left, common);
  right.value = b.cast(right, common);
  if (!left.value || !right.value) return {};
  return {left.value, right.value};
}

}  // namespace sluice::expression
