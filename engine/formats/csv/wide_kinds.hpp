#pragma once

#include "engine/columns/typed/fixed_kinds.hpp"
#include "engine/formats/csv/wide_fields.hpp"

#include <concepts>

namespace sluice::csv {

/// What reads many fields of a kind at once, as its `fast` would; null: nothing.
template <class Kind>
read_wide<typename Kind::value> wide_reader(simd_level level) {
  if constexpr (std::same_as<Kind, typed::double_kind>) return wide_doubles(level);
  if constexpr (std::same_as<Kind, typed::integer_kind<std::int64_t>>) return wide_integers(level);
  if constexpr (std::same_as<Kind, typed::date_kind>) return wide_dates(level);
  return nullptr;
}

}  // namespace sluice::csv
