#pragma once

#include "engine/component/options.hpp"

#include <string>

namespace sluice {

/// Where a sink writes, as the sink itself states it from its options: so that a plan sees two sinks that mean the same
/// place. Paths are as the user wrote them.
struct write_target {
  enum class kind {
    nothing,          ///< rows go nowhere
    standard_output,  ///< the stream of the process
    file,             ///< one file, replaced or extended as a whole
    folder,           ///< all files in a folder are its own
    table,            ///< a table in a database file; other tables in it may have other writers
  };
  kind what = kind::nothing;
  std::string path = {};
  std::string table = {};   ///< its name, whose case does not matter
  std::string option = {};  ///< JSON pointer of the option that says so, below the component: "/path"
};

}  // namespace sluice
