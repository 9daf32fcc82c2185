#pragma once

#include "engine/columns/source_columns.hpp"
#include "engine/columns/typed/column.hpp"
#include "engine/formats/ndjson/keys.hpp"
#include "engine/formats/ndjson/sampling.hpp"

#include <vector>

namespace sluice::ndjson {

/// Which columns JSON records have, and which of them are read.
struct record_shape {
  record_columns records;
  source_columns columns;
  bool ignore_unknown = false;
  int fields = -1;  ///< of `records`, so many are keys of the records, and what follows is not; -1: all are

  /// The wanted columns, to be read into.
  [[nodiscard]] result<std::vector<typed::column>> make_columns() const;
  /// All keys of the records: the ones that are not wanted are known all the same.
  [[nodiscard]] key_table make_keys() const;
};

}  // namespace sluice::ndjson
