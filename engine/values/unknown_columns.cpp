#include "engine/values/unknown_columns.hpp"

#include <arrow/extension_type.h>
#include <arrow/type.h>

#include <algorithm>

namespace sluice {

namespace {

class unknown_extension final : public arrow::ExtensionType {
 public:
  unknown_extension() : ExtensionType(arrow::null()) {}
  [[nodiscard]] std::string extension_name() const override { return "sluice.unknown"; }
  [[nodiscard]] bool ExtensionEquals(const ExtensionType& other) const override {
    return other.extension_name() == extension_name();
  }
  [[nodiscard]] std::shared_ptr<arrow::Array> MakeArray(std::shared_ptr<arrow::ArrayData> data) const override {
    return std::make_shared<arrow::ExtensionArray>(std::move(data));
  }
  [[nodiscard]] arrow::Result<std::shared_ptr<arrow::DataType>> Deserialize(std::shared_ptr<arrow::DataType>,
                                                                            const std::string&) const override {
    return arrow::Status::NotImplemented("unknown types are not stored");
  }
  [[nodiscard]] std::string Serialize() const override { return {}; }
};

/// The field that stands for all columns that may be there besides; no column has an empty name and this type.
bool stands_for_others(const arrow::Field& field) { return field.name().empty() && is_unknown(*field.type()); }

}  // namespace

const std::shared_ptr<arrow::DataType>& unknown_type() {
  static const std::shared_ptr<arrow::DataType> type = std::make_shared<unknown_extension>();
  return type;
}

bool is_unknown(const arrow::DataType& type) {
  return type.id() == arrow::Type::EXTENSION &&
         static_cast<const arrow::ExtensionType&>(type).extension_name() == "sluice.unknown";
}

const std::shared_ptr<arrow::Schema>& unknown_columns() {
  static const auto schema = arrow::schema({arrow::field("", unknown_type())});
  return schema;
}

bool has_unknown_columns(const arrow::Schema& schema) {
  return std::any_of(schema.fields().begin(), schema.fields().end(),
                     [](const auto& field) { return stands_for_others(*field); });
}

std::shared_ptr<arrow::Schema> known_columns(const arrow::Schema& schema) {
  arrow::FieldVector known;
  for (const auto& field : schema.fields())
    if (!is_unknown(*field->type())) known.push_back(field);
  return arrow::schema(std::move(known));
}

}  // namespace sluice
