#pragma once

#include "engine/component/options.hpp"
#include "engine/error/error.hpp"

#include <string>
#include <vector>

namespace sluice {

/// A source whose rows are those that a sink has prepared.
struct staged_source {
  std::string component;
  options own = {};                     ///< the source's options
  options types = {};                   ///< as `types:`, or null
  std::vector<std::string> files = {};  ///< for sources of files: their absolute paths
};

/// A sink whose prepared rows can be read before they are visible says so by this interface beside `sink`: `reconcile`
/// compares them with those that arrived.
class reads_back {
 public:
  virtual ~reads_back() = default;
  /// Sources that together give the rows of an epoch, as a reader of the target would find them. None where the rows
  /// can't be told from others (a file that is appended to) or have left already (standard output). The options may
  /// hold secrets.
  virtual result<std::vector<staged_source>> staged(const std::string& token) = 0;
  /// Whether the prepared rows have a column of the rows that arrive.
  [[nodiscard]] virtual bool stages(const std::string& column) const { return (void)column, true; }
};

}  // namespace sluice
