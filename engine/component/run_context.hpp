#pragma once

#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace sluice {

namespace memory {
class manager;
}

/// What every component of a run shares. Fixed when the run is created, so that a replay gives the same values.
struct run_context {
  std::string run_id;  ///< UUID text
  std::string pipeline;
  std::int64_t now_microseconds = 0;  ///< since 1970 UTC: the value of now() everywhere in the run
  std::uint64_t seed = 0;             ///< random() and uuid() derive from it, the unit and the row's position
  std::string timezone = "UTC";       ///< IANA name, for casts between timestamp and timestamptz
  std::string base_folder;            ///< relative paths start here; absolute
  std::string spill_folder;           ///< this run's own; made on first use, removed at the end
  std::map<std::string, std::shared_ptr<arrow::Scalar>> params;        ///< typed values of $name
  std::shared_ptr<memory::manager> memory;                             ///< never null
  std::function<result<std::string>(const std::string& name)> secret;  ///< resolves ${secret:name} at this node
};

/// What to do with a row that has an error (division by zero, overflow, a value that does not fit its type).
enum class on_error { fail, reject, set_null };

}  // namespace sluice
