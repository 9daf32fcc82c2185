#pragma once

#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace sluice {

/// The rows of some columns that are meant.
struct row_choice {
  std::int64_t rows = 0;                 ///< how many
  const std::int32_t* chosen = nullptr;  ///< which; null: all
  [[nodiscard]] std::int64_t operator[](std::int64_t row) const { return chosen == nullptr ? row : chosen[row]; }
};

/// Keys of rows as bytes: each row's columns one behind the other, so that
/// equal keys have equal bytes. Rows are padded to whole words.
///
/// A row begins with a bit for each column that is null there (whose bytes are
/// then 0), in as many bytes as are needed; fixed-width values follow in their
/// own bytes, then the lengths of texts in 4 bytes each, then their bytes.
class key_rows {
 public:
  explicit key_rows(std::vector<std::shared_ptr<arrow::DataType>> types);

  /// Lays out columns of these types (as canonical_key gives them).
  void encode(const std::vector<std::shared_ptr<arrow::Array>>& columns, const row_choice& rows);
  /// Of the rows encoded last: their words, and XXH3-64 of them.
  [[nodiscard]] std::span<const std::uint64_t> row(std::int64_t at) const {
    if (!has_text_) return {words_.data() + static_cast<std::size_t>(at) * fixed_words_, fixed_words_};
    return {words_.data() + begins_[at], begins_[at + 1] - begins_[at]};
  }
  [[nodiscard]] const std::vector<std::uint64_t>& hashes() const { return hashes_; }
  /// Words of every row where no column is text, else 0.
  [[nodiscard]] std::size_t fixed_words() const { return has_text_ ? 0 : fixed_words_; }

  /// Builds columns from rows of words.
  [[nodiscard]] result<std::vector<std::shared_ptr<arrow::Array>>> decode(
      std::span<const std::uint64_t* const> rows) const;
  [[nodiscard]] std::int64_t bytes() const {
    return static_cast<std::int64_t>((words_.capacity() + hashes_.capacity() + begins_.capacity()) * 8);
  }

 private:
  struct column {
    std::shared_ptr<arrow::DataType> type;
    std::size_t offset = 0;  ///< of the value, or of a text's length, in the row
    std::size_t width = 0;   ///< 0: text
  };
  void place_rows(const std::vector<std::shared_ptr<arrow::Array>>& columns, const row_choice& rows);
  void put_column(std::size_t number, const arrow::Array& values, const row_choice& rows);
  void hash_rows(std::int64_t rows);
  [[nodiscard]] result<std::shared_ptr<arrow::Array>> decode_column(std::size_t number,
                                                                    std::span<const std::uint64_t* const> rows) const;
  /// The offsets and bytes of a column of text.
  [[nodiscard]] result<std::vector<std::shared_ptr<arrow::Buffer>>> decode_texts(
      std::size_t number, std::span<const std::uint64_t* const> rows) const;

  std::vector<column> columns_;
  std::vector<std::size_t> texts_;  ///< which columns are text
  std::size_t fixed_bytes_ = 0;     ///< null bits, values and lengths
  std::size_t fixed_words_ = 0;
  bool has_text_ = false;
  std::vector<std::uint64_t> words_;
  std::vector<std::size_t> begins_;   ///< of each row in words_, where there is text
  std::vector<std::size_t> text_at_;  ///< byte at which each row's next text begins
  std::vector<std::uint64_t> hashes_;
};

/// Numbers distinct keys from 0 in the order in which they are added: open
/// addressing over the hashes, the keys themselves in chunks that stay where
/// they are.
class key_table {
 public:
  explicit key_table(std::vector<std::shared_ptr<arrow::DataType>> types);

  static constexpr std::uint32_t missing = ~std::uint32_t{0};
  /// Writes the number of each chosen row's key to `numbers`; new ones are added, or
  /// `missing` where `add` is false.
  void number(const std::vector<std::shared_ptr<arrow::Array>>& keys, const row_choice& rows, bool add,
              std::uint32_t* numbers);
  /// Of the rows of the last call.
  [[nodiscard]] const std::vector<std::uint64_t>& hashes() const { return rows_.hashes(); }
  [[nodiscard]] std::uint32_t size() const { return size_; }
  /// The keys of some numbers.
  [[nodiscard]] result<std::vector<std::shared_ptr<arrow::Array>>> keys(std::span<const std::uint32_t> numbers) const;
  [[nodiscard]] std::int64_t bytes() const;
  /// Bytes that adding so many keys takes at most beside those that are there
  /// (without their texts).
  [[nodiscard]] std::int64_t growth(std::int64_t keys) const;

 private:
  struct slot {
    std::uint32_t hash;    ///< the lower bits
    std::uint32_t number;  ///< missing: free
  };
  void grow(std::size_t slots);
  std::uint32_t add_key(std::span<const std::uint64_t> key);
  [[nodiscard]] const std::uint64_t* key_of(std::uint32_t number) const;
  [[nodiscard]] std::span<const std::uint64_t> words_of(std::uint32_t number) const;
  void fetch(std::int64_t row, std::int64_t end) const;

  key_rows rows_;
  std::vector<slot> slots_;
  std::uint32_t size_ = 0;
  std::vector<std::unique_ptr<std::uint64_t[]>> chunks_;
  unsigned chunk_shift_ = 0;    ///< log2 of the keys in a chunk, where they have one length
  std::size_t chunk_used_ = 0;  ///< words of the last one
  std::int64_t chunk_bytes_ = 0;
  std::vector<const std::uint64_t*> places_;  ///< of each key, where they are of different length
};

}  // namespace sluice
