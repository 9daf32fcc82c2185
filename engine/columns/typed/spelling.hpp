#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// Which texts are written just as they were read. Inferred numbers and booleans take only those, so that a copy
/// changes no byte of them; types that are given take all forms (values.hpp). Dates and times have no one spelling:
/// they are inferred from every form of ISO 8601, offsets included, because it is the instant that counts.
namespace sluice::typed {

/// 0, 12, -7; not -0, +7, 007, nor what 64 bits don't hold.
bool spells_integer(std::string_view text, std::int64_t& out);
/// The shortest digits of a double, laid out as the writers do: 0.5, 12, 1e-07; not 1.0, .5, 1E5 or 0.50.
bool spells_double(std::string_view text, double& out);
/// A plain decimal with a point: 12.50, -0.5; not -0.0 or .5. Gives the digits before the point and behind it.
struct decimal_digits {
  int whole = 0;
  int scale = 0;
};
bool spells_decimal(std::string_view text, decimal_digits& out);
/// true, false.
bool spells_boolean(std::string_view text);

}  // namespace sluice::typed
