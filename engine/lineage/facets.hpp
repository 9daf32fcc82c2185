#pragma once

#include "engine/component/options.hpp"
#include "engine/lineage/column_flow.hpp"
#include "engine/lineage/datasets.hpp"
#include "engine/plan/plan.hpp"

#include <arrow/type_fwd.h>

#include <map>
#include <string>
#include <vector>

namespace sluice::lineage {

/// Who made an event, as a URI.
std::string producer();
/// A facet of OpenLineage with its members: `schema` is the name of its file, with version
/// ("1-2-0/SchemaDatasetFacet").
options facet(const std::string& schema, const options& members);

options schema_facet(const arrow::Schema& of);
/// `places`: the datasets of each source by its unit's index. A source without a lasting place is left out.
options column_lineage_facet(const traced_rows& of, const std::map<int, std::vector<dataset>>& places);
/// The rules of the `validate` units that read a source, directly or not, and whether rows broke them. `broken`: names
/// of rules, as unit and rule with a slash.
options assertions_of(const plan& of, int source, const std::vector<std::string>& broken);

}  // namespace sluice::lineage
