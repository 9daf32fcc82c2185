#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <memory>

namespace sluice {

/// A sink of one file that holds little, so that many can be open at once, and whose files share what they work with.
class file_among_many {
 public:
  virtual ~file_among_many() = default;
  /// Before `open`: works with what is shared, which the first file makes. False where the file can't: its rows should
  /// come all at once.
  virtual bool share(std::shared_ptr<void>& among) = 0;
  /// Encodes what was written: rows may be long in coming.
  virtual status settle() = 0;
  /// Writes what is encoded.
  virtual status let_out() = 0;
  /// Bytes of memory that the file holds.
  [[nodiscard]] virtual std::int64_t held_bytes() const = 0;
};

}  // namespace sluice
