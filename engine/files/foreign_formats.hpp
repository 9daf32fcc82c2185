#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// What a file is that is no table in text.
struct foreign_format {
  std::string name;            ///< "an Excel workbook (.xlsx)"
  std::string hint;            ///< how to get at its data
  std::string component = {};  ///< the source that reads it, where there is one: "parquet"
};

/// So many first bytes are enough for known_format.
inline constexpr std::int64_t format_bytes = 8 * 1024;

/// Knows the usual kinds of files by their first bytes; nullopt: text, or nothing that is known.
std::optional<foreign_format> known_format(std::string_view first);

/// The error foreign_file where the bytes that a source is to read as `wanted` ("CSV") are of another kind; else
/// nullopt.
std::optional<error> not_wanted_format(const std::string& file, std::string_view first, const std::string& wanted);

}  // namespace sluice
