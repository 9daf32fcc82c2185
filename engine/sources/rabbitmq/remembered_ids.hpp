#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sluice {

/// The ids of messages that were read, so that one that comes again is recognised: for as long as the window says, and
/// those that the broker may still give again for as long as that is so. An id is held as 128 bits of XXH3.
class remembered_ids {
 public:
  /// Ids of settled messages beyond so many are forgotten, oldest first, whatever the window says: they are in each
  /// checkpoint.
  static constexpr std::size_t most = 200'000;

  explicit remembered_ids(std::int64_t window_seconds) : window_(window_seconds) {}

  /// Notes the id of a message; false: a message with this id is known. Numbers ascend. Times are seconds since 1970.
  bool add(std::string_view id, std::uint64_t number, std::int64_t now);
  /// Messages up to this number will not come again, as far as is known.
  void settled(std::uint64_t upto, std::int64_t now);
  /// All ids of messages up to a number, as bytes.
  [[nodiscard]] std::string upto(std::uint64_t number) const;
  /// Takes ids that another process has written, as if they had been read now. The error (foreign_bytes): they are cut.
  status restore(std::string_view bytes, std::uint64_t number, std::int64_t now);
  [[nodiscard]] std::size_t size() const { return in_order_.size(); }

 private:
  struct hash {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    bool operator==(const hash&) const = default;
  };
  struct of_hash {
    std::size_t operator()(const hash& of) const { return of.low; }
  };
  struct entry {
    hash id;
    std::uint64_t number = 0;
    std::int64_t time = 0;
  };
  void forget(std::int64_t now);

  std::int64_t window_;
  std::uint64_t settled_ = 0;
  std::deque<entry> in_order_;
  std::unordered_map<hash, std::uint32_t, of_hash> count_;  ///< how often it is in the list
};

}  // namespace sluice
