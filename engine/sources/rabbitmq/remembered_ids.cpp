#include "engine/sources/rabbitmq/remembered_ids.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

namespace sluice {

bool remembered_ids::add(std::string_view id, std::uint64_t number, std::int64_t now) {
  const auto made = XXH3_128bits(id.data(), id.size());
  const hash key{made.low64, made.high64};
  forget(now);
  // One that comes again is noted again: it may come a third time.
  in_order_.push_back({key, number, now});
  return ++count_[key] == 1;
}

void remembered_ids::settled(std::uint64_t upto, std::int64_t now) {
  settled_ = std::max(settled_, upto);
  forget(now);
}

void remembered_ids::forget(std::int64_t now) {
  while (!in_order_.empty()) {
    const auto& oldest = in_order_.front();
    const bool old = now - oldest.time > window_ || in_order_.size() > most;
    if (!old || oldest.number > settled_) return;
    const auto found = count_.find(oldest.id);
    if (--found->second == 0) count_.erase(found);
    in_order_.pop_front();
  }
}

std::string remembered_ids::upto(std::uint64_t number) const {
  std::string bytes;
  for (const auto& one : in_order_) {
    if (one.number > number) break;
    char written[sizeof(hash)];
    std::memcpy(written, &one.id, sizeof written);
    bytes.append(written, sizeof written);
  }
  return bytes;
}

status remembered_ids::restore(std::string_view bytes, std::uint64_t number, std::int64_t now) {
  if (bytes.size() % sizeof(hash) != 0)
    return internal_error("foreign_bytes", "the ids of messages in the checkpoint are not whole");
  in_order_.clear();
  count_.clear();
  for (; !bytes.empty(); bytes.remove_prefix(sizeof(hash))) {
    hash id;
    std::memcpy(&id, bytes.data(), sizeof id);
    in_order_.push_back({id, number, now});
    ++count_[id];
  }
  return {};
}

}  // namespace sluice
