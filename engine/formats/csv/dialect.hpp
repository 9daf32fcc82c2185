#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::csv {

/// How records and fields are told apart. nullopt switches a rule off. A separator may have several bytes, everything
/// else has one.
struct dialect {
  std::uint8_t separator = ',';  ///< its first byte
  std::string separator_rest;    ///< what follows it; mostly nothing
  std::optional<std::uint8_t> quote = '"';
  std::optional<std::uint8_t> escape;   ///< takes its meaning from the next byte, inside quotes and outside
  std::optional<std::uint8_t> comment;  ///< a record that starts with it is none, up to the end of its line
  bool strict_quotes = false;           ///< a quote inside a field that is not quoted makes the record a reject

  /// From the byte at which a field ends to the begin of the next one.
  [[nodiscard]] std::uint32_t step() const { return 1 + static_cast<std::uint32_t>(separator_rest.size()); }
};

}  // namespace sluice::csv
