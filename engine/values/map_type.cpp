#include "engine/values/map_type.hpp"

#include <arrow/type.h>

namespace sluice {

namespace {

constexpr const char* entries = "entries";

}  // namespace

std::shared_ptr<arrow::DataType> map_type(std::shared_ptr<arrow::DataType> key,
                                          std::shared_ptr<arrow::DataType> value) {
  return arrow::list(arrow::field(
      entries, arrow::struct_({arrow::field("key", std::move(key)), arrow::field("value", std::move(value))})));
}

bool is_map_type(const arrow::DataType& type) {
  if (type.id() != arrow::Type::LIST || type.field(0)->name() != entries) return false;
  const auto& entry = *type.field(0)->type();
  return entry.id() == arrow::Type::STRUCT && entry.num_fields() == 2 && entry.field(0)->name() == "key" &&
         entry.field(1)->name() == "value";
}

const std::shared_ptr<arrow::DataType>& map_key_type(const arrow::DataType& map) {
  return map.field(0)->type()->field(0)->type();
}

const std::shared_ptr<arrow::DataType>& map_value_type(const arrow::DataType& map) {
  return map.field(0)->type()->field(1)->type();
}

}  // namespace sluice
