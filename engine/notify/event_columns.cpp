#include "engine/notify/event_columns.hpp"

#include "engine/notify/event_catalogue.hpp"
#include "engine/values/types.hpp"

#include <arrow/api.h>
#include <arrow/compute/api.h>

namespace sluice::notify {

namespace {

constexpr const char* doing = "read an event";

/// A value of an event: of its data, else of the cause in it.
std::optional<std::string> data_text(const store::event& what, const std::string& name) {
  if (!what.data.is_object()) return std::nullopt;
  if (const auto found = what.data.find(name); found != what.data.end()) return text_of(*found);
  const auto cause = what.data.find("cause");
  if (cause == what.data.end() || !cause->is_object()) return std::nullopt;
  const auto found = cause->find(name);
  return found == cause->end() ? std::nullopt : text_of(*found);
}

template <class Builder, class Value>
result<std::shared_ptr<arrow::Array>> built(const std::vector<store::event>& events, Value value) {
  Builder builder;
  for (const auto& one : events) SLUICE_TRY_ARROW(builder.Append(value(one)), doing);
  SLUICE_ASSIGN_ARROW(auto made, builder.Finish(), doing);
  return made;
}

result<std::shared_ptr<arrow::Array>> tags_of(const std::vector<store::event>& events) {
  const auto tag = std::make_shared<arrow::StringBuilder>();
  arrow::ListBuilder tags(arrow::default_memory_pool(), tag);
  for (const auto& one : events) {
    SLUICE_TRY_ARROW(tags.Append(), doing);
    for (const auto& each : one.tags) SLUICE_TRY_ARROW(tag->Append(each), doing);
  }
  SLUICE_ASSIGN_ARROW(auto made, tags.Finish(), doing);
  return made;
}

using texts = arrow::StringBuilder;

}  // namespace

std::optional<std::string> text_of(const options& value) {
  if (value.is_null()) return std::nullopt;
  return value.is_string() ? value.text() : value.dump();
}

result<std::shared_ptr<arrow::Array>> column_of(const std::vector<std::optional<std::string>>& texts,
                                                const std::shared_ptr<arrow::DataType>& type) {
  arrow::StringBuilder builder;
  for (const auto& text : texts) SLUICE_TRY_ARROW(text ? builder.Append(*text) : builder.AppendNull(), doing);
  SLUICE_ASSIGN_ARROW(auto made, builder.Finish(), doing);
  if (type->id() == arrow::Type::STRING) return made;
  const auto cast = arrow::compute::Cast(*made, type);
  if (cast.ok()) return *cast;
  // One value that does not fit must not hide the others.
  arrow::ArrayVector parts;
  for (std::int64_t at = 0; at < made->length(); ++at) {
    auto one = arrow::compute::Cast(*made->Slice(at, 1), type);
    if (!one.ok()) one = arrow::MakeArrayOfNull(type, 1);
    SLUICE_ASSIGN_ARROW(auto part, std::move(one), doing);
    parts.push_back(std::move(part));
  }
  SLUICE_ASSIGN_ARROW(auto joined, arrow::Concatenate(parts), doing);
  return joined;
}

std::int64_t attempt_of(const store::event& what) {
  if (!what.data.is_object()) return 1;
  const auto found = what.data.find("attempt");
  return found != what.data.end() && found->is_number_integer() ? found->get<std::int64_t>() : 1;
}

bool is_last_attempt(const store::event& what) {
  if (!what.data.is_object()) return true;
  const auto found = what.data.find("final");
  return found == what.data.end() || !found->is_boolean() || found->get<bool>();
}

const std::shared_ptr<arrow::Schema>& event_columns::base() {
  static const auto made =
      arrow::schema({arrow::field("type", arrow::utf8()), arrow::field("severity", arrow::utf8()),
                     arrow::field("pipeline", arrow::utf8()), arrow::field("owner", arrow::utf8()),
                     arrow::field("tags", arrow::list(arrow::utf8())), arrow::field("unit", arrow::utf8()),
                     arrow::field("attempt", arrow::int64()), arrow::field("final", arrow::boolean())});
  return made;
}

const std::shared_ptr<arrow::Schema>& event_columns::data() {
  static const auto made = [] {
    arrow::FieldVector fields;
    for (const auto& field : event_fields()) {
      const auto type = parse_type(field.type);
      fields.push_back(arrow::field(std::string(field.name), type.ok() ? *type : arrow::utf8()));
    }
    return arrow::schema(std::move(fields));
  }();
  return made;
}

result<std::shared_ptr<arrow::Array>> event_columns::make(int number) const {
  switch (number) {
    case 0:
      return built<texts>(events_, [](const auto& one) -> const std::string& { return one.type; });
    case 1:
      return built<texts>(events_, [](const auto& one) { return to_string(severity_of(one.type)); });
    case 2:
      return built<texts>(events_, [](const auto& one) -> const std::string& { return one.pipeline; });
    case 3:
      return built<texts>(events_, [](const auto& one) -> const std::string& { return one.owner; });
    case 4:
      return tags_of(events_);
    case 5:
      return built<texts>(events_, [](const auto& one) -> const std::string& { return one.unit; });
    case 6:
      return built<arrow::Int64Builder>(events_, attempt_of);
    case 7:
      return built<arrow::BooleanBuilder>(events_, is_last_attempt);
    default:
      break;
  }
  const auto& field = data()->field(number - base()->num_fields());
  std::vector<std::optional<std::string>> texts;
  texts.reserve(events_.size());
  for (const auto& one : events_) texts.push_back(data_text(one, field->name()));
  return column_of(texts, field->type());
}

result<std::shared_ptr<arrow::Array>> event_columns::column(int number) {
  auto& kept = made_[number];
  if (kept == nullptr) {
    SLUICE_ASSIGN(kept, make(number));
  }
  return kept;
}

result<std::shared_ptr<arrow::Array>> event_columns::nothing(int number) {
  if (const auto made = made_.find(number); made != made_.end() && made->second) return made->second;
  auto& kept = nothing_[number];
  if (kept == nullptr) {
    const int base_fields = base()->num_fields();
    const auto& type = (number < base_fields ? base()->field(number) : data()->field(number - base_fields))->type();
    SLUICE_ASSIGN_ARROW(kept, arrow::MakeArrayOfNull(type, rows()), doing);
  }
  return kept;
}

result<const std::vector<std::size_t>*> event_columns::rows_with(int number, const std::string& value) {
  static const std::vector<std::size_t> none;
  auto found = indexes_.find(number);
  if (found == indexes_.end()) {
    SLUICE_ASSIGN(const auto values, column(number));
    rows_by_value rows;
    for (std::int64_t row = 0; row < values->length(); ++row) {
      if (values->IsNull(row)) continue;
      rows[values->type_id() == arrow::Type::INT64
               ? std::to_string(static_cast<const arrow::Int64Array&>(*values).Value(row))
               : static_cast<const arrow::StringArray&>(*values).GetString(row)]
          .push_back(static_cast<std::size_t>(row));
    }
    found = indexes_.emplace(number, std::move(rows)).first;
  }
  const auto of_value = found->second.find(value);
  return of_value == found->second.end() ? &none : &of_value->second;
}

}  // namespace sluice::notify
