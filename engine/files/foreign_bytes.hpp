#pragma once

#include "engine/files/files.hpp"

#include <string>
#include <string_view>

namespace sluice {

/// Says by their first bytes how bytes are packed: the magic numbers of RFC 1952, RFC 8878, lz4's frames and bzip2.
/// compression::none where nothing is known.
compression packed_as(std::string_view first);
/// Whether a file that begins with these bytes, and others behind them, may be packed.
bool may_be_packed(std::string_view begin);

/// True for text in UTF-16 without a mark: every second byte of its ASCII characters is zero.
bool looks_like_utf16(std::string_view first);

/// Which option would turn the first bytes of a file (as `peek_file` gives them) into text: a hint such as
/// "it looks packed: compression: gzip". Empty where they look like text in UTF-8.
std::string option_for_bytes(const input_file& file, std::string_view first);

}  // namespace sluice
