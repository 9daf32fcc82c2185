#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice::parquet_writing {

/// Frees the memory of a vector: `= {}` would only empty it.
template <class Value>
void let_go(std::vector<Value>& of) {
  std::vector<Value>().swap(of);
}

using bytes = std::vector<std::uint8_t>;

/// Appends an unsigned number, seven bits a byte, the lowest first (ULEB128).
void append_varint(bytes& out, std::uint64_t value);

/// Bits that hold numbers up to `most`; at least 1.
int width_of(std::uint32_t most);

/// Appends numbers of `width` bits in Parquet's hybrid of run lengths and packed bits, without a length before it.
/// https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE
void append_hybrid(bytes& out, std::span<const std::uint32_t> values, int width);

/// Appends definition levels of a flat column, a length before them: `valid` has a bit a row, or is null where all are.
void append_levels(bytes& out, const std::uint8_t* valid, std::int64_t rows);

}  // namespace sluice::parquet_writing
