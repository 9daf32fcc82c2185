#include "engine/values/marked_text.hpp"

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <cstdlib>
#include <string>

namespace sluice {

namespace {

constexpr const char* metadata_key = "sluice:type";

class marked_type final : public arrow::StringType {
 public:
  marked_type(text_mark mark, int most) : mark_(mark), most_(most) {}
  [[nodiscard]] text_mark mark() const { return mark_; }
  [[nodiscard]] int most() const { return most_; }
  [[nodiscard]] std::string name() const override {
    if (mark_ == text_mark::varchar) return "varchar(" + std::to_string(most_) + ")";
    return mark_ == text_mark::json ? "json" : "uuid";
  }
  [[nodiscard]] std::string ToString(bool) const override { return name(); }

 private:
  text_mark mark_;
  int most_;
};

const marked_type* marked(const arrow::DataType& type) {
  return type.id() == arrow::Type::STRING ? dynamic_cast<const marked_type*>(&type) : nullptr;
}

std::shared_ptr<arrow::DataType> type_of_name(const std::string& name) {
  if (name == "json") return json_type();
  if (name == "uuid") return uuid_type();
  if (name.starts_with("varchar(")) return varchar_type(std::atoi(name.c_str() + 8));
  return nullptr;
}

std::shared_ptr<arrow::DataType> with_fields(const arrow::DataType& type, arrow::FieldVector fields) {
  switch (type.id()) {
    case arrow::Type::LIST:
      return arrow::list(std::move(fields[0]));
    case arrow::Type::STRUCT:
      return arrow::struct_(std::move(fields));
    case arrow::Type::MAP:
      return std::make_shared<arrow::MapType>(std::move(fields[0]),
                                              static_cast<const arrow::MapType&>(type).keys_sorted());
    default:
      return nullptr;
  }
}

/// The field with `change` done to all fields of types of text in it; itself where nothing changes.
template <class Change>
std::shared_ptr<arrow::Field> changed(const std::shared_ptr<arrow::Field>& field, const Change& change) {
  if (field->type()->id() == arrow::Type::STRING) return change(field);
  if (field->type()->num_fields() == 0) return field;
  arrow::FieldVector inner;
  bool any = false;
  for (const auto& one : field->type()->fields()) {
    inner.push_back(changed(one, change));
    any = any || inner.back() != one;
  }
  if (!any) return field;
  auto type = with_fields(*field->type(), std::move(inner));
  return type ? field->WithType(std::move(type)) : field;
}

template <class Change>
std::shared_ptr<arrow::Schema> changed_schema(const std::shared_ptr<arrow::Schema>& schema, const Change& change) {
  arrow::FieldVector fields;
  bool any = false;
  for (const auto& field : schema->fields()) {
    fields.push_back(changed(field, change));
    any = any || fields.back() != field;
  }
  return any ? arrow::schema(std::move(fields), schema->metadata()) : schema;
}

}  // namespace

const std::shared_ptr<arrow::DataType>& json_type() {
  static const std::shared_ptr<arrow::DataType> type = std::make_shared<marked_type>(text_mark::json, 0);
  return type;
}

const std::shared_ptr<arrow::DataType>& uuid_type() {
  static const std::shared_ptr<arrow::DataType> type = std::make_shared<marked_type>(text_mark::uuid, 0);
  return type;
}

std::shared_ptr<arrow::DataType> varchar_type(int most) {
  return std::make_shared<marked_type>(text_mark::varchar, most);
}

text_mark mark_of(const arrow::DataType& type) {
  const auto* const found = marked(type);
  return found == nullptr ? text_mark::none : found->mark();
}

int most_characters(const arrow::DataType& type) {
  const auto* const found = marked(type);
  return found == nullptr ? 0 : found->most();
}

bool same_type(const arrow::DataType& left, const arrow::DataType& right) {
  if (&left == &right) return true;
  if (!left.Equals(right) || mark_of(left) != mark_of(right) || most_characters(left) != most_characters(right))
    return false;
  for (int i = 0; i < left.num_fields(); ++i)
    if (!same_type(*left.field(i)->type(), *right.field(i)->type())) return false;
  return true;
}

std::shared_ptr<arrow::Schema> marks_to_metadata(const std::shared_ptr<arrow::Schema>& schema) {
  return changed_schema(schema, [](const std::shared_ptr<arrow::Field>& field) {
    const auto* const mark = marked(*field->type());
    if (mark == nullptr) return field;
    auto metadata = field->metadata() ? field->metadata()->Copy() : std::make_shared<arrow::KeyValueMetadata>();
    (void)metadata->Set(metadata_key, mark->name());
    return field->WithMetadata(std::move(metadata));
  });
}

std::shared_ptr<arrow::Schema> marks_from_metadata(const std::shared_ptr<arrow::Schema>& schema) {
  return changed_schema(schema, [](const std::shared_ptr<arrow::Field>& field) {
    if (!field->metadata()) return field;
    const auto name = field->metadata()->Get(metadata_key);
    auto type = name.ok() ? type_of_name(*name) : nullptr;
    if (type == nullptr) return field;
    auto rest = field->metadata()->Copy();
    (void)rest->Delete(metadata_key);
    return arrow::field(field->name(), std::move(type), field->nullable(), rest->size() > 0 ? rest : nullptr);
  });
}

}  // namespace sluice
