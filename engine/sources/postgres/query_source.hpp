#pragma once

#include "engine/component/source.hpp"
#include "engine/sources/postgres/query.hpp"

#include <memory>

namespace sluice::postgres {

/// The source of a query: one split, or one for each range of its partition, all within one snapshot.
std::unique_ptr<source> make_query_source(std::shared_ptr<const query_table> what);

}  // namespace sluice::postgres
