#pragma once

#include "engine/values/batch.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace sluice::joins {

/// Keys of some rows in the form in which they are hashed and compared: equal keys have equal bytes.
struct key_rows {
  std::int64_t rows = 0;
  std::vector<std::uint64_t> words;   ///< key_layout::words() for each row, where keys have a fixed width
  std::vector<std::uint64_t> starts;  ///< of each row in `bytes`, and one more at the end; else
  std::vector<char> bytes;
  std::vector<std::uint8_t> nulls;  ///< 1 where a part of the key is null; empty: nowhere

  [[nodiscard]] bool is_null(std::int64_t row) const { return !nulls.empty() && nulls[static_cast<std::size_t>(row)]; }
  [[nodiscard]] std::string_view text(std::int64_t row) const {
    const auto at = static_cast<std::size_t>(row);
    return {bytes.data() + starts[at], starts[at + 1] - starts[at]};
  }
  /// Appends rows [begin, begin + count) of others that are packed alike.
  void append(const key_rows& from, std::int64_t begin, std::int64_t count);
  /// Some of the rows, in this order.
  [[nodiscard]] key_rows take(const std::vector<std::int32_t>& chosen) const;
  [[nodiscard]] std::int64_t memory() const {
    return static_cast<std::int64_t>((words.capacity() + starts.capacity()) * 8 + bytes.capacity() + nulls.capacity());
  }
};

/// Rows of one side and their keys.
struct keyed_rows {
  batch rows;
  key_rows keys;
  std::shared_ptr<arrow::UInt64Array> numbers = nullptr;  ///< of the left's rows, where their order is restored
};

/// How the keys of a join are packed: one word where they have up to 8 bytes together, two up to 16, else bytes.
class key_layout {
 public:
  /// `types`: as canonical_key_type gives them, the same for both sides.
  explicit key_layout(const std::vector<std::shared_ptr<arrow::DataType>>& types);

  /// Words of a key; 0 where keys are bytes of any length, or where there is no key at all.
  [[nodiscard]] int words() const { return words_; }
  [[nodiscard]] bool keyless() const { return widths_.empty(); }
  /// Packs columns that canonical_key has prepared.
  [[nodiscard]] key_rows pack(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows) const;
  /// Hashes rows [begin, begin + count) of packed keys: XXH3-64.
  void hash(const key_rows& keys, std::int64_t begin, std::int64_t count, std::uint64_t* out) const;

 private:
  void pack_words(const std::vector<std::shared_ptr<arrow::Array>>& keys, key_rows& to) const;
  void pack_bytes(const std::vector<std::shared_ptr<arrow::Array>>& keys, key_rows& to) const;

  std::vector<int> widths_;  ///< bytes of each column; 0: it varies
  int words_ = 0;
};

}  // namespace sluice::joins
