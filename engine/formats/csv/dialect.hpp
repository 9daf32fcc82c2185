#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::csv {

/// How records and fields are told apart. Each is one byte; nullopt switches a rule off.
struct dialect {
  std::uint8_t separator = ',';
  std::optional<std::uint8_t> quote = '"';
  std::optional<std::uint8_t> escape;   ///< takes its meaning from the next byte, inside quotes and outside
  std::optional<std::uint8_t> comment;  ///< a record that starts with it is none, up to the end of its line
};

}  // namespace sluice::csv
