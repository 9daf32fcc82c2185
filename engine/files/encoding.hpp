#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

class byte_stream;

/// How the text of a file is written. A byte order mark beats what the option says.
enum class text_encoding {
  as_it_is,  ///< bytes, no text: marks mean nothing (Parquet, Arrow)
  utf8,
  utf16,  ///< little-endian where there is no mark
  utf16_le,
  utf16_be,
  latin1,
  windows1252,
};

/// Reads the option `encoding`, in any case and with or without dashes. The error is unknown_encoding.
result<text_encoding> encoding_of(std::string_view option);

/// What a byte order mark says, given the first bytes of a text (four are enough); `named` where there is none. The
/// error is unknown_encoding: UTF-32.
result<text_encoding> encoding_by_mark(std::string_view first_bytes, text_encoding named);

/// Turns text into UTF-8, without the mark of UTF-16. What can't be decoded (half a surrogate pair, half a character at
/// the end, a byte that the encoding does not have) becomes bytes that are no UTF-8, so that the readers treat it as
/// such.
class text_decoder {
 public:
  explicit text_decoder(text_encoding from) : from_(from) {}
  /// Appends what `bytes` give to `out`; `last`: no more come.
  void decode(std::string_view bytes, bool last, std::string& out);

 private:
  void decode_utf16(std::string_view bytes, bool last, std::string& out);
  text_encoding from_;
  std::string kept_;      ///< bytes of a character whose rest has not come
  bool started_ = false;  ///< a mark can't come any more
};

/// Reads a text as UTF-8, whatever its mark or `named` says it is.
std::unique_ptr<byte_stream> decode_stream(std::unique_ptr<byte_stream> from, std::string name, text_encoding named);

}  // namespace sluice
