#pragma once

#include "engine/columns/typed/rows.hpp"
#include "engine/sources/kafka/kafka_table.hpp"

namespace sluice {

/// The error contradicts_type of a message whose value does not fit the type that a sample gave: with a line of types
/// for all columns, because types that are given are all there are.
error message_contradicts(const typed::record_fault& fault, const kafka_table& what, const std::string& place);

}  // namespace sluice
