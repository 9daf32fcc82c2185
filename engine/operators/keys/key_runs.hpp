#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace sluice {

/// Finds runs of rows with equal keys, which sorted or joined data is full of: a run's key has to be looked up once.
class key_runs {
 public:
  /// The first row of each run, ascending, of columns as canonical_key gives them. Neighbours that are equal may be in
  /// two runs (a null with other bytes under it); those in one run are equal. Empty where looking for runs does not
  /// pay.
  const std::vector<std::int32_t>& find(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows);
  /// Gives each row of the last call the number of its run.
  void spread(const std::uint32_t* of_runs, std::uint32_t* of_rows) const;
  [[nodiscard]] std::int64_t bytes() const {
    return static_cast<std::int64_t>(begins_.capacity() + firsts_.capacity() * sizeof(std::int32_t));
  }

 private:
  void collect(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows);

  std::vector<std::uint8_t> begins_;  ///< 1 where a row differs from the one before
  std::vector<std::int32_t> firsts_;
};

}  // namespace sluice
