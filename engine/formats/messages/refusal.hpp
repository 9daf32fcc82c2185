#pragma once

#include "engine/columns/typed/rows.hpp"
#include "engine/component/source.hpp"
#include "engine/formats/messages/message_table.hpp"

#include <cstdint>
#include <string>

namespace sluice::messages {

/// A message whose value can't be read into the columns.
struct unreadable {
  typed::record_fault fault;
  std::string place;         ///< "the message at offset 7 of orders[0]"
  std::string record;        ///< its value
  std::uint64_t offset = 0;  ///< in its split
};

/// Puts it among the rejects of `step`, or gives the error that ends the run: that of the fault where the unit's policy
/// is to fail, and contradicts_type where the value does not fit the type that a sample gave. The latter has a line of
/// types for all columns, because types that are given are all there are.
status refuse(const message_table& what, const std::string& unit, unreadable message, read_step& step);

}  // namespace sluice::messages
