#pragma once

#include "engine/component/sink.hpp"
#include "engine/sinks/postgres/target_table.hpp"

#include <memory>
#include <string>

namespace sluice::postgres {

/// The sink of a table; the request has been checked.
std::unique_ptr<sink> make_table_sink(const sink_request& request, load_request what, const std::string& url);

}  // namespace sluice::postgres
