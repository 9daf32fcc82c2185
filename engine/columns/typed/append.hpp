#pragma once

#include "engine/columns/typed/column.hpp"
#include "engine/columns/typed/number.hpp"
#include "engine/values/time_zone.hpp"

#include <string_view>

/// Appends single values to columns. False: the column can't hold it, and is as it was.
namespace sluice::typed {

/// Appends a JSON number, if the type can hold exactly that value (floats: the nearest one).
bool append_number(const number& value, column& into);

/// Appends true or false.
inline bool append_boolean(bool value, column& into) {
  if (into.kind != value_kind::boolean) return false;
  into.values.append(static_cast<std::uint8_t>(value));
  ++into.length;
  return true;
}

/// Appends what a text says, white space around it left out unless the column is text or bytea: formats and signs as
/// the column has them. Where the type is inferred, numbers and booleans in a text are none. A timestamptz without
/// offset is of the zone. Text must be UTF-8.
bool append_text(std::string_view text, column& into, zone_clock& zone);

/// Appends to text or bytea as it stands.
void append_bytes(std::string_view bytes, column& into);

}  // namespace sluice::typed
