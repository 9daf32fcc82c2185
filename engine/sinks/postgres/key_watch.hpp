#pragma once

#include "engine/values/batch.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::postgres {

/// Sees whether rows may repeat a key, without asking the server: by 64-bit hashes of the keys. It never misses one;
/// where two keys have the same hash, or there are too many of them, it says that there may be one.
class key_watch {
 public:
  /// Indices of the key's columns in the rows. `certain` false: values that the server holds equal may have different
  /// bytes here (0 and -0, blanks behind char(n), collations that ignore the case).
  key_watch(std::vector<int> columns, bool certain) : columns_(std::move(columns)), repeated_(!certain) {}
  void add(const batch& rows);
  [[nodiscard]] bool may_repeat() const { return repeated_; }

 private:
  static constexpr std::size_t most = 8'000'000;

  std::vector<int> columns_;
  std::vector<std::uint64_t> table_;  ///< open addressing; 0: free
  std::size_t used_ = 0;
  bool repeated_ = false;

  void grow();
  void insert(std::uint64_t hash);
};

}  // namespace sluice::postgres
