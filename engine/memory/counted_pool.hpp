#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>

namespace sluice::memory {

/// Lends an operator an Arrow memory pool of its own, so that it knows what Arrow's structures (hash tables) hold.
///
/// Pools live as long as the process, because a buffer may outlive the operator that made it; one whose buffers are all
/// freed is lent again.
class counted_pool {
 public:
  counted_pool();
  ~counted_pool();
  counted_pool(const counted_pool&) = delete;
  counted_pool& operator=(const counted_pool&) = delete;

  [[nodiscard]] arrow::MemoryPool* get() const;
  [[nodiscard]] std::int64_t bytes() const;

 private:
  struct entry;
  static struct registry& all();
  friend struct registry;
  entry* lent_;
};

}  // namespace sluice::memory
