#pragma once

#include <arrow/type_fwd.h>

#include <memory>

namespace sluice {

// A map of the language is a list of its entries, structs of key and value, whose element is called "entries", as in
// Arrow's own maps. What knows lists knows maps.

std::shared_ptr<arrow::DataType> map_type(std::shared_ptr<arrow::DataType> key, std::shared_ptr<arrow::DataType> value);
bool is_map_type(const arrow::DataType& type);
/// The types inside of a map.
const std::shared_ptr<arrow::DataType>& map_key_type(const arrow::DataType& map);
const std::shared_ptr<arrow::DataType>& map_value_type(const arrow::DataType& map);

}  // namespace sluice
