#include "engine/memory/counted_pool.hpp"

#include <arrow/memory_pool.h>

#include <memory>
#include <mutex>
#include <vector>

namespace sluice::memory {

struct counted_pool::entry {
  arrow::ProxyMemoryPool pool{arrow::default_memory_pool()};
  bool lent = false;
};

struct registry {
  std::mutex lock;
  std::vector<std::unique_ptr<counted_pool::entry>> entries;
};

registry& counted_pool::all() {
  static auto* pools = new registry;  // never destroyed: static batches may be freed after it
  return *pools;
}

counted_pool::counted_pool() {
  const std::lock_guard guard(all().lock);
  for (const auto& candidate : all().entries) {
    if (candidate->lent || candidate->pool.bytes_allocated() != 0) continue;
    lent_ = candidate.get();
    lent_->lent = true;
    return;
  }
  all().entries.push_back(std::make_unique<entry>());
  lent_ = all().entries.back().get();
  lent_->lent = true;
}

counted_pool::~counted_pool() {
  const std::lock_guard guard(all().lock);
  lent_->lent = false;
}

arrow::MemoryPool* counted_pool::get() const { return &lent_->pool; }
std::int64_t counted_pool::bytes() const { return lent_->pool.bytes_allocated(); }

}  // namespace sluice::memory
