#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace sluice {

/// Remembers the numbers of frequent short keys, so that most rows of an aggregate with few groups need no hash table
/// of whole rows. A key is packed into 16 bytes: texts of up to 7 bytes and integers, dates and times of up to 56 bits
/// where there are two columns, less where there are more (up to four). Others are left to the caller.
class packed_keys {
 public:
  /// False in `usable` where the types or their number don't allow it.
  explicit packed_keys(const std::vector<std::shared_ptr<arrow::DataType>>& types);
  [[nodiscard]] bool usable() const { return usable_; }

  /// Writes the numbers of the rows whose keys are known to `numbers`; gives the other rows, ascending.
  const std::vector<std::int32_t>& find(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows,
                                        std::uint32_t* numbers);
  /// Remembers the number of a row of the last call, where its key is short. Gives up where there are too many keys.
  void remember(std::int32_t row, std::uint32_t number);
  [[nodiscard]] std::int64_t bytes() const;

 private:
  struct entry {
    std::uint64_t low, high;
    std::uint32_t number;
    bool used;
  };
  [[nodiscard]] std::size_t slot_of(std::uint64_t low, std::uint64_t high) const;
  void pack(const arrow::Array& column, int bytes, std::uint64_t* words, int shift);

  bool usable_ = false;
  int bytes_each_ = 0;          ///< room of each column: 8 or 4
  std::vector<entry> entries_;  ///< open addressing
  std::size_t used_ = 0;
  std::uint64_t asked_ = 0, missed_ = 0;
  std::vector<std::uint64_t> low_, high_;  ///< of the last call
  std::vector<std::uint8_t> too_long_;
  std::vector<std::int32_t> unknown_;
};

}  // namespace sluice
