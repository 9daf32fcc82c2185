#pragma once

#include "engine/component/sink.hpp"

#include <memory>
#include <string>

namespace sluice::sqlite {

/// The sink of a table; the request has been checked.
std::unique_ptr<sink> make_table_sink(const sink_request& request, const std::string& path, const std::string& name);

}  // namespace sluice::sqlite
