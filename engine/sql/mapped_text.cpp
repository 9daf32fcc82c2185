#include "engine/sql/mapped_text.hpp"

namespace sluice::sql {

void mapped_text::add(std::string_view piece, std::size_t origin, bool copied) {
  if (piece.empty()) return;
  segments_.push_back({text_.size(), origin, copied});
  text_ += piece;
}

void mapped_text::add(const mapped_text& other) {
  for (const auto& one : other.segments_) segments_.push_back({text_.size() + one.at, one.origin, one.copied});
  text_ += other.text_;
}

std::size_t mapped_text::origin_of(std::size_t offset) const {
  std::size_t origin = 0;
  for (const auto& one : segments_) {
    if (one.at > offset) break;
    origin = one.copied ? one.origin + (offset - one.at) : one.origin;
  }
  return origin;
}

}  // namespace sluice::sql
