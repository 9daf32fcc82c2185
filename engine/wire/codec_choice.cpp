#include "engine/wire/codec_choice.hpp"

namespace sluice::wire {

std::optional<compression> parse_compression(std::string_view name) {
  if (name == "auto") return compression::automatic;
  if (name == "none") return compression::none;
  if (name == "lz4") return compression::lz4;
  if (name == "zstd") return compression::zstd;
  return {};
}

codec codec_choice::next(std::int64_t bytes, double link) {
  ++batches_;
  if (how_ == compression::none) return codec::none;
  if (how_ == compression::lz4) return codec::lz4;
  if (how_ == compression::zstd) return codec::zstd;
  if (link <= 0 || bytes < least_bytes) return codec::none;
  auto best = codec::none;
  auto least = (1 - least_gain) / link;
  for (const auto which : {codec::lz4, codec::zstd}) {
    const auto& one = of(which);
    if (!one.measured || batches_ - one.last_used >= try_again) return which;
    if (const auto seconds = one.seconds_per_byte + one.left / link; seconds < least) {
      least = seconds;
      best = which;
    }
  }
  return best;
}

void codec_choice::measured(codec with, std::int64_t plain_bytes, std::int64_t packed_bytes, double seconds) {
  if (with == codec::none || plain_bytes < least_bytes) return;
  auto& one = of(with);
  const auto plain = static_cast<double>(plain_bytes);
  // The newest counts a quarter: data changes along a run, and a single slow batch says nothing.
  const auto weight = one.measured ? 0.25 : 1.0;
  one.seconds_per_byte += weight * (seconds / plain - one.seconds_per_byte);
  one.left += weight * (static_cast<double>(packed_bytes) / plain - one.left);
  one.measured = true;
  one.last_used = batches_;
}

}  // namespace sluice::wire
