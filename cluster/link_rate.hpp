#pragma once

#include <chrono>
#include <cstdint>

namespace sluice::cluster {

/// Measures what a link takes when it is full, from the times when it was. Takes the time as an argument.
class link_rate {
 public:
  using clock = std::chrono::steady_clock;

  /// The network took no more.
  void full(clock::time_point now) {
    const auto took = std::chrono::duration<double>(now - since_).count();
    if (busy_ && bytes_ >= least_bytes && took > 0) {
      const auto measured = static_cast<double>(bytes_) / took;
      rate_ = rate_ > 0 ? 0.75 * rate_ + 0.25 * measured : measured;
    }
    if (!busy_ || bytes_ >= least_bytes) {
      since_ = now;
      bytes_ = 0;
    }
    busy_ = true;
  }
  void sent(std::size_t bytes) { bytes_ += bytes; }
  /// There was nothing to send: what the link would have taken is not known.
  void idle() {
    busy_ = false;
    bytes_ = 0;
  }
  /// Bytes per second; 0: it was never full for long.
  [[nodiscard]] double bytes_per_second() const { return rate_; }

 private:
  static constexpr std::uint64_t least_bytes = 4 * 1024 * 1024;

  clock::time_point since_;
  std::uint64_t bytes_ = 0;
  double rate_ = 0;
  bool busy_ = false;
};

}  // namespace sluice::cluster
