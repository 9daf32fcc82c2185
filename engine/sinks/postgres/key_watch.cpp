#include "engine/sinks/postgres/key_watch.hpp"

#include "engine/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <xxhash.h>

#include <algorithm>

namespace sluice::postgres {

namespace {

/// Mixes the bytes of one value into a hash. Equal values of a column have equal bytes.
std::uint64_t hash_value(const arrow::Array& column, std::int64_t row, std::uint64_t seed, std::string& text) {
  switch (column.type_id()) {
    case arrow::Type::INT64: {
      const auto value = static_cast<const arrow::Int64Array&>(column).Value(row);
      return XXH3_64bits_withSeed(&value, sizeof value, seed);
    }
    case arrow::Type::INT32: {
      const auto value = static_cast<const arrow::Int32Array&>(column).Value(row);
      return XXH3_64bits_withSeed(&value, sizeof value, seed);
    }
    case arrow::Type::STRING: {
      const auto value = static_cast<const arrow::StringArray&>(column).GetView(row);
      return XXH3_64bits_withSeed(value.data(), value.size(), seed);
    }
    default:
      text.clear();
      append_value(text, column, row);
      return XXH3_64bits_withSeed(text.data(), text.size(), seed);
  }
}

}  // namespace

void key_watch::grow() {
  constexpr std::size_t first = 1024;
  std::vector<std::uint64_t> larger(std::max(first, table_.size() * 2));
  table_.swap(larger);
  for (const auto hash : larger)
    if (hash != 0) {
      auto at = hash & (table_.size() - 1);
      while (table_[at] != 0) at = (at + 1) & (table_.size() - 1);
      table_[at] = hash;
    }
}

void key_watch::insert(std::uint64_t hash) {
  if (used_ * 2 >= table_.size()) grow();
  auto at = hash & (table_.size() - 1);
  while (table_[at] != 0) {
    if (table_[at] == hash) {
      repeated_ = true;
      return;
    }
    at = (at + 1) & (table_.size() - 1);
  }
  table_[at] = hash;
  ++used_;
}

void key_watch::add(const batch& rows) {
  if (repeated_) return;
  std::string text;
  for (std::int64_t row = 0; row < rows.rows() && !repeated_; ++row) {
    std::uint64_t hash = 0;
    bool null = false;
    for (const int column : columns_) {
      const auto& values = *rows.data->column(column);
      null = null || values.IsNull(row);
      if (!null) hash = hash_value(values, row, hash, text);
    }
    if (!null) insert(hash == 0 ? 1 : hash);
  }
  if (used_ > most || repeated_) {
    repeated_ = true;
    table_ = {};
  }
}

}  // namespace sluice::postgres
