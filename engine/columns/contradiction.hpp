#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <string>

namespace sluice {

/// A value that contradicts a type inferred from a sample.
struct contradiction {
  std::string column;  ///< as messages name it; a field inside one as "address.city"
  std::string key;     ///< the column that `types:` would name
  std::string type;    ///< inferred
  std::string value;
  std::string nature;             ///< what the value is: "is decimal"
  std::string wider;              ///< the type that takes it as well
  std::int64_t sampled_rows = 0;  ///< that inference looked at; 0 unknown
  std::string file;
  std::uint64_t line = 0;  ///< 0 unknown
};

/// The error contradicts_type, with the `types:` line that mends it; its `path` is that of the column in `types:`.
error contradicts_type(const contradiction& what);

}  // namespace sluice
