#pragma once

#include "engine/component/sink.hpp"
#include "engine/sinks/history/history_rule.hpp"

#include <memory>
#include <string>

namespace sluice::sqlite {

/// The sink of a table; the request has been checked. `history`: of the modes merge and scd2, else null; the request's
/// schema and key are then those of the staged rows.
std::unique_ptr<sink> make_table_sink(const sink_request& request, const std::string& path, const std::string& name,
                                      std::shared_ptr<const history::history_rule> history);

}  // namespace sluice::sqlite
