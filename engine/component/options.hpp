#pragma once

#include <nlohmann/json.hpp>

namespace sluice {

/// Options of a unit as the user wrote them, checked against the component's spec: maps keep the file's order, because
/// `derive` works in it. Where a value stands in the file is known to config only; components name it by JSON pointer.
using options = nlohmann::ordered_json;

}  // namespace sluice
