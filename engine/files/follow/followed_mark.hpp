#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <string>

namespace sluice {

/// How far a followed file was read, and how it is known again, also under another name: the position of its split.
///
/// A file is read piece by piece, each up to the end of a complete record. What is remembered of its content is small:
/// the hashes of its first bytes and of those before the piece.
struct followed_mark {
  std::string name;         ///< by which it was found
  std::int64_t number = 0;  ///< of its inode
  std::int64_t born = 0;    ///< when it was made, nanoseconds; 0 where the file system does not say
  std::int64_t begin = 0;   ///< of the piece that is being read
  std::int64_t end = 0;     ///< of that piece; `begin` between two pieces
  std::int64_t inner = 0;   ///< number of the split of that piece
  std::string inside;       ///< position in that split; empty: at its begin
  std::int64_t head = 0;    ///< hash of the first `head_bytes`
  std::int64_t head_bytes = 0;
  std::int64_t tail = 0;  ///< hash of the bytes before `begin`, at most `marked_bytes`
  bool quiet = false;     ///< read to its end, and not written for a minute: it may go without a word
  bool removed = false;   ///< it was deleted, and read to its end

  [[nodiscard]] std::string to_position() const;
  static result<followed_mark> of_position(const std::string& position);
};

/// So many bytes at the head of a file and before a position are remembered as a hash.
inline constexpr std::int64_t marked_bytes = 256;

}  // namespace sluice
