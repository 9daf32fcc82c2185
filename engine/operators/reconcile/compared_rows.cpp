#include "engine/operators/reconcile/compared_rows.hpp"

#include "engine/operators/common_type.hpp"
#include "engine/operators/keys/group_index.hpp"

#include <arrow/array.h>
#include <arrow/compute/cast.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <algorithm>
#include <cstring>

namespace sluice::reconcile {

namespace {

constexpr std::int64_t block = 4096;
constexpr std::size_t most_keys = 10;
constexpr auto doing = "compare rows";

bool is_exact(const arrow::DataType& type) { return arrow::is_integer(type.id()) || arrow::is_decimal(type.id()); }

int scale_of(const arrow::DataType& type) {
  return arrow::is_decimal(type.id()) ? static_cast<const arrow::DecimalType&>(type).scale() : 0;
}

std::string counted(std::uint64_t number, const char* one, const char* many) {
  return std::to_string(number) + " " + (number == 1 ? one : many);
}

}  // namespace

compared_rows::compared_rows(std::vector<compared_column> keys, std::vector<compared_column> columns)
    : keys_(std::move(keys)), columns_(std::move(columns)), sketch_(columns_.size()), sums_(columns_.size()) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    sums_[i].exact = is_exact(*columns_[i].type);
    sums_[i].counted = sums_[i].exact || arrow::is_floating(columns_[i].type->id());
  }
}

status compared_rows::add(side to, const batch& in) {
  const auto which = static_cast<std::size_t>(to);
  const auto evaluated = [&](const compared_column& one) -> result<std::shared_ptr<arrow::Array>> {
    SLUICE_ASSIGN(auto value, one.value[which]->evaluate(in));
    SLUICE_ASSIGN(auto canonical, canonical_key(std::move(value.values)));
    return widen(canonical, one.type);
  };
  std::vector<std::shared_ptr<arrow::Array>> keys, texts, values;
  for (const auto& one : keys_) {
    SLUICE_ASSIGN(auto key, evaluated(one));
    keys.push_back(std::move(key));
    SLUICE_ASSIGN(auto text, one.text[which]->evaluate(in));
    SLUICE_ASSIGN_ARROW(auto whole, arrow::compute::Cast(*text.values, arrow::utf8()), doing);
    texts.push_back(std::move(whole));
  }
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    SLUICE_ASSIGN(auto value, evaluated(columns_[i]));
    if (sums_[i].counted) SLUICE_TRY(add_sums(to, i, *value));
    values.push_back(std::move(value));
  }
  std::vector<XXH128_hash_t> key_hashes(block);
  std::vector<std::uint64_t> hashes(block * std::max<std::size_t>(columns_.size(), 1));
  std::string spelled;
  for (std::int64_t begin = 0; begin < in.rows(); begin += block) {
    const auto rows = std::min(block, in.rows() - begin);
    SLUICE_TRY(encoder_.encode(keys, begin, rows));
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto bytes = encoder_.row(row);
      key_hashes[static_cast<std::size_t>(row)] = XXH3_128bits(bytes.data(), bytes.size());
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      SLUICE_TRY(encoder_.encode({values[i]}, begin, rows));
      for (std::int64_t row = 0; row < rows; ++row) {
        const auto bytes = encoder_.row(row);
        hashes[static_cast<std::size_t>(row) * columns_.size() + i] =
            XXH3_64bits_withSeed(bytes.data(), bytes.size(), i + 1);
      }
    }
    for (std::int64_t row = 0; row < rows; ++row) {
      spelled.clear();
      for (const auto& text : texts) {
        const auto& column = static_cast<const arrow::StringArray&>(*text);
        if (&text != &texts.front()) spelled += ", ";
        spelled += column.IsNull(begin + row) ? "null" : column.GetView(begin + row);
      }
      const auto at = static_cast<std::size_t>(row);
      sketch_.add(to, key_hashes[at], {hashes.data() + at * columns_.size(), columns_.size()}, spelled);
    }
  }
  return {};
}

status compared_rows::add_sums(side to, std::size_t column, const arrow::Array& values) {
  auto& sum = sums_[column];
  const auto which = static_cast<std::size_t>(to);
  if (!sum.exact) {
    SLUICE_ASSIGN_ARROW(const auto doubles, arrow::compute::Cast(values, arrow::float64()), doing);
    const auto& each = static_cast<const arrow::DoubleArray&>(*doubles);
    for (std::int64_t row = 0; row < each.length(); ++row)
      if (each.IsValid(row)) sum.approximate[which] += each.Value(row);
    return {};
  }
  SLUICE_ASSIGN_ARROW(const auto wide, arrow::compute::Cast(values, arrow::decimal256(76, scale_of(*values.type()))),
                      doing);
  const auto& each = static_cast<const arrow::Decimal256Array&>(*wide);
  arrow::Decimal256 all(sum.units[which]);
  for (std::int64_t row = 0; row < each.length(); ++row)
    if (each.IsValid(row)) all += arrow::Decimal256(each.GetValue(row));
  sum.units[which] = all.little_endian_array();
  return {};
}

std::string compared_rows::sum_text(std::size_t column, side of) const {
  const auto& sum = sums_[column];
  const auto which = static_cast<std::size_t>(of);
  if (sum.exact) return arrow::Decimal256(sum.units[which]).ToString(scale_of(*columns_[column].type));
  char text[32];
  std::snprintf(text, sizeof text, "%.15g", sum.approximate[which]);
  return text;
}

std::string compared_rows::describe(const std::string& other, const row_sketch::differences& found) const {
  auto text = counted(sketch_.rows(side::here), "row", "rows") + " here, " + std::to_string(sketch_.rows(side::there)) +
              " in " + other;
  std::string columns;
  for (const auto column : sketch_.differing_columns()) {
    columns += (columns.empty() ? "" : ", ") + columns_[column].name;
    const auto here = sums_[column].counted ? sum_text(column, side::here) : "";
    const auto there = sums_[column].counted ? sum_text(column, side::there) : "";
    if (here != there) columns += " (sum " + here + " here, " + there + " in " + other + ")";
  }
  if (!columns.empty()) text += "; columns that differ: " + columns;
  text += "; " + std::string(found.all ? "" : "about ") + counted(found.keys, "key differs", "keys differ");
  std::size_t shown = 0;
  for (const auto& one : found.some) {
    if (shown == most_keys) break;
    text += (shown++ == 0 ? ": " : ", ") + one.key;
    if (one.here && one.there) {
      std::string names;
      for (const auto column : one.columns) names += (names.empty() ? "" : " ") + columns_[column].name;
      text += " (" + (names.empty() ? "how often" : names) + ")";
    } else {
      text += one.here ? " (not in " + other + ")" : " (only in " + other + ")";
    }
  }
  if (shown > 0 && shown < found.keys) text += " ...";
  return text;
}

std::string compared_rows::bytes() const {
  auto all = sketch_.bytes();
  for (const auto& sum : sums_) {
    all.append(reinterpret_cast<const char*>(sum.units.data()), sizeof sum.units);
    all.append(reinterpret_cast<const char*>(sum.approximate.data()), sizeof sum.approximate);
  }
  return all;
}

status compared_rows::restore(std::string_view bytes) {
  constexpr auto each = sizeof(sums::units) + sizeof(sums::approximate);
  const auto behind = each * sums_.size();
  if (bytes.size() < behind) return internal_error("foreign_state", "the rows that were compared before can't be read");
  SLUICE_TRY(sketch_.add(bytes.substr(0, bytes.size() - behind)));
  const auto* from = bytes.data() + bytes.size() - behind;
  for (auto& sum : sums_) {
    sums before;
    std::memcpy(before.units.data(), from, sizeof before.units);
    std::memcpy(before.approximate.data(), from + sizeof before.units, sizeof before.approximate);
    from += each;
    for (std::size_t which = 0; which < 2; ++which) {
      sum.units[which] =
          (arrow::Decimal256(sum.units[which]) + arrow::Decimal256(before.units[which])).little_endian_array();
      sum.approximate[which] += before.approximate[which];
    }
  }
  return {};
}

}  // namespace sluice::reconcile
