#pragma once

#include "engine/plan/plan.hpp"

#include <string>
#include <vector>

namespace sluice::lineage {

/// A place that is read or written, named as OpenLineage wants it (https://openlineage.io/docs/spec/naming): other
/// systems give the same names to the same places.
struct dataset {
  std::string space = {};  ///< file, kafka://host:port, postgres://host:port, sqlite
  std::string name = {};   ///< an absolute path, a topic, database.schema.table
};

/// The places of a source or sink; none where there is no lasting one (generate, stdout). `base_folder`: where relative
/// paths start. An address that is a secret is not looked up: it is named by the secret.
std::vector<dataset> datasets_of(const planned_unit& unit, const std::string& base_folder);

}  // namespace sluice::lineage
