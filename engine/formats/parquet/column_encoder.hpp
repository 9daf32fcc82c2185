#pragma once

#include "engine/error/error.hpp"
#include "engine/formats/parquet/hybrid.hpp"

#include <arrow/type_fwd.h>
#include <parquet/statistics.h>
#include <parquet/types.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

namespace arrow::util {
class Codec;
}
namespace parquet {
class ColumnDescriptor;
}

namespace sluice::parquet_writing {

/// A data page: levels and values, compressed.
struct encoded_page {
  std::shared_ptr<arrow::Buffer> body;
  std::int32_t rows = 0;
  std::int64_t plain_size = 0;  ///< before compression
  ::parquet::Encoding::type encoding = ::parquet::Encoding::PLAIN;
  ::parquet::EncodedStatistics statistics;
  std::int64_t first_row = 0;  ///< in its row group
};

/// A column of a row group.
struct encoded_chunk {
  std::shared_ptr<arrow::Buffer> dictionary;  ///< not compressed; null where there is none
  std::int32_t dictionary_values = 0;
  std::vector<encoded_page> pages;
  ::parquet::EncodedStatistics statistics;
  bool fell_back = false;  ///< some pages are without the dictionary
};

/// What a thread that encodes keeps between pages.
struct page_scratch {
  bytes body;
  bytes packed;
};

/// Encodes one flat column. Calls come one at a time, from any thread; `held` may be asked at any time.
class column_encoder {
 public:
  /// What a page holds at most, and how large a dictionary may grow.
  static constexpr std::int64_t most_page_rows = 32 * 1024;
  static constexpr std::int64_t most_page_bytes = 1024 * 1024;
  static constexpr std::size_t most_dictionary_bytes = 1024 * 1024;

  column_encoder(const ::parquet::ColumnDescriptor& column, std::shared_ptr<arrow::util::Codec> codec);
  virtual ~column_encoder();

  /// Lets dictionaries have fewer bytes; before the first `add`.
  void limit_dictionary(std::size_t most) { dictionary_limit_ = std::min(most, most_dictionary_bytes); }
  /// Takes the next values of the row group.
  status add(const arrow::Array& values, page_scratch& scratch);
  /// Ends the page, and keeps of its memory what the dictionary needs: for encoders that wait for a long time.
  status cut(page_scratch& scratch);
  /// Ends the row group.
  result<encoded_chunk> finish(page_scratch& scratch);
  /// Bytes of memory that hold what was encoded.
  [[nodiscard]] std::int64_t held() const { return held_.load(std::memory_order_relaxed); }

 protected:
  /// Rows of [from, from + rows), at least 1, that fit into the page that holds `page_bytes` already; 0: close it
  /// first.
  virtual std::int64_t fitting(const arrow::ArrayData& values, std::int64_t from, std::int64_t rows) {
    return (void)values, (void)from, rows;
  }
  /// Takes rows without nulls into the page.
  virtual void take(const arrow::ArrayData& values, std::int64_t from, std::int64_t rows) = 0;
  /// Takes part in the decision for or against a dictionary; called after each `add`.
  virtual void reconsider(bool page_complete) { (void)page_complete; }
  /// Appends the values of the page, says how they are encoded, and begins the next page.
  virtual ::parquet::Encoding::type append_page(bytes& out, encoded_page& page) = 0;
  /// Hands out the dictionary and the statistics of the row group and begins the next one.
  virtual status end_chunk(encoded_chunk& chunk) = 0;
  [[nodiscard]] virtual std::int64_t own_bytes() const = 0;
  /// Frees the memory of pages; between two of them.
  virtual void free_page() = 0;

  /// Copies bytes into a buffer of just their size.
  static result<std::shared_ptr<arrow::Buffer>> own_copy(const bytes& from);

  /// Pages of this row group that are complete: the first decides on the dictionary.
  [[nodiscard]] bool in_first_page() const { return chunk_.pages.empty(); }
  [[nodiscard]] std::size_t dictionary_limit() const { return dictionary_limit_; }

 private:
  void add_validity(const arrow::ArrayData& values, std::int64_t from, std::int64_t rows);
  status close_page(page_scratch& scratch);
  result<std::shared_ptr<arrow::Buffer>> compress(page_scratch& scratch);

  std::size_t dictionary_limit_ = most_dictionary_bytes;
  const bool optional_;
  const std::string name_;
  std::shared_ptr<arrow::util::Codec> codec_;
  encoded_chunk chunk_;
  bytes valid_;  ///< a bit a row of the page, from the page's first null on
  std::int64_t page_rows_ = 0;
  std::int64_t page_nulls_ = 0;
  std::int64_t rows_ = 0;  ///< of the row group, in complete pages
  std::int64_t nulls_ = 0;
  std::int64_t pages_bytes_ = 0;
  std::atomic<std::int64_t> held_ = 0;
};

/// True where a column of the type has an encoder.
bool can_encode(const arrow::DataType& type, const ::parquet::ColumnDescriptor& column);
std::unique_ptr<column_encoder> make_encoder(const arrow::DataType& type, const ::parquet::ColumnDescriptor& column,
                                             std::shared_ptr<arrow::util::Codec> codec);

}  // namespace sluice::parquet_writing
