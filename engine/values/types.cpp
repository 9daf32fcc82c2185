#include "engine/values/types.hpp"

#include "engine/error/names.hpp"
#include "engine/values/map_type.hpp"
#include "engine/values/marked_text.hpp"

#include <arrow/extension_type.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <algorithm>

namespace sluice {

namespace {

using type_ptr = std::shared_ptr<arrow::DataType>;

// The decimal that parse_type knows. Arrow's may have fewer than no places (12E3), or more places than digits
// (0.00012).
type_ptr language_decimal(const arrow::DecimalType& type) {
  const int scale = std::max(type.scale(), 0);
  const int precision = std::max(type.precision() - std::min(type.scale(), 0), scale);
  if (precision <= arrow::Decimal128Type::kMaxPrecision) return arrow::decimal128(precision, scale);
  if (precision <= arrow::Decimal256Type::kMaxPrecision) return arrow::decimal256(precision, scale);
  return nullptr;
}

type_ptr language_list(const type_ptr& type) {
  auto value = language_type(type->field(0)->type());
  if (value == nullptr) return nullptr;
  if (type->id() == arrow::Type::MAP) return map_type(value->field(0)->type(), value->field(1)->type());
  if (is_map_type(*type)) return map_type(value->field(0)->type(), value->field(1)->type());
  if (type->id() == arrow::Type::LIST && value->Equals(*type->field(0)->type())) return type;
  return arrow::list(value);
}

type_ptr language_struct(const type_ptr& type) {
  arrow::FieldVector fields;
  for (const auto& field : type->fields()) {
    auto inner = language_type(field->type());
    if (inner == nullptr) return nullptr;
    fields.push_back(arrow::field(field->name(), std::move(inner)));
  }
  auto made = arrow::struct_(std::move(fields));
  return made->Equals(*type) ? type : made;
}

}  // namespace

const type_ptr& timestamp_type() {
  static const auto type = arrow::timestamp(arrow::TimeUnit::MICRO);
  return type;
}

const type_ptr& timestamptz_type() {
  static const auto type = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  return type;
}

const type_ptr& time_type() {
  static const auto type = arrow::time64(arrow::TimeUnit::MICRO);
  return type;
}

const type_ptr& interval_type() {
  static const auto type = arrow::month_day_nano_interval();
  return type;
}

type_ptr language_type(const type_ptr& type) {
  switch (type->id()) {
    case arrow::Type::INT8:
    case arrow::Type::UINT8:
      return arrow::int16();
    case arrow::Type::UINT16:
      return arrow::int32();
    case arrow::Type::UINT32:
      return arrow::int64();
    case arrow::Type::HALF_FLOAT:
      return arrow::float32();
    case arrow::Type::NA:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return arrow::utf8();
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::FIXED_SIZE_BINARY:
      return arrow::binary();
    case arrow::Type::DATE64:
      return arrow::date32();
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
      return time_type();
    case arrow::Type::TIMESTAMP:
      return static_cast<const arrow::TimestampType&>(*type).timezone().empty() ? timestamp_type() : timestamptz_type();
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256: {
      auto made = language_decimal(static_cast<const arrow::DecimalType&>(*type));
      return made && made->Equals(*type) ? type : made;
    }
    case arrow::Type::INTERVAL_MONTHS:
    case arrow::Type::INTERVAL_DAY_TIME:
    case arrow::Type::DURATION:
      return interval_type();
    case arrow::Type::DICTIONARY:
      return language_type(static_cast<const arrow::DictionaryType&>(*type).value_type());
    case arrow::Type::RUN_END_ENCODED:
      return language_type(static_cast<const arrow::RunEndEncodedType&>(*type).value_type());
    case arrow::Type::EXTENSION: {
      const auto& extended = static_cast<const arrow::ExtensionType&>(*type);
      if (extended.extension_name() == "arrow.json" && extended.storage_type()->id() != arrow::Type::EXTENSION)
        return json_type();
      return language_type(extended.storage_type());
    }
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::LIST_VIEW:
    case arrow::Type::LARGE_LIST_VIEW:
    case arrow::Type::FIXED_SIZE_LIST:
    case arrow::Type::MAP:  // a list of its keys and values
      return language_list(type);
    case arrow::Type::STRUCT:
      return language_struct(type);
    case arrow::Type::BOOL:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::UINT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
    case arrow::Type::DATE32:
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
      return type;
    default:
      return nullptr;
  }
}

std::string type_name(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return "boolean";
    case arrow::Type::INT8:
    case arrow::Type::UINT8:
    case arrow::Type::INT16:
      return "smallint";
    case arrow::Type::UINT16:
    case arrow::Type::INT32:
      return "integer";
    case arrow::Type::UINT32:
    case arrow::Type::INT64:
      return "bigint";
    case arrow::Type::UINT64:
      return "ubigint";
    case arrow::Type::HALF_FLOAT:
    case arrow::Type::FLOAT:
      return "real";
    case arrow::Type::DOUBLE:
      return "double";
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256: {
      const auto& decimal = static_cast<const arrow::DecimalType&>(type);
      return "decimal(" + std::to_string(decimal.precision()) + "," + std::to_string(decimal.scale()) + ")";
    }
    case arrow::Type::NA:
    case arrow::Type::STRING:
      return mark_of(type) == text_mark::none ? "text" : type.name();
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return "text";
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::FIXED_SIZE_BINARY:
      return "bytea";
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
      return "date";
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
      return "time";
    case arrow::Type::TIMESTAMP:
      return static_cast<const arrow::TimestampType&>(type).timezone().empty() ? "timestamp" : "timestamptz";
    case arrow::Type::INTERVAL_MONTHS:
    case arrow::Type::INTERVAL_DAY_TIME:
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
    case arrow::Type::DURATION:
      return "interval";
    case arrow::Type::DICTIONARY:
      return type_name(*static_cast<const arrow::DictionaryType&>(type).value_type());
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::LIST_VIEW:
    case arrow::Type::LARGE_LIST_VIEW:
    case arrow::Type::FIXED_SIZE_LIST:
    case arrow::Type::MAP:
      if (is_map_type(type))
        return "map(" + type_name(*map_key_type(type)) + ", " + type_name(*map_value_type(type)) + ")";
      return type_name(*type.field(0)->type()) + "[]";
    case arrow::Type::STRUCT: {
      std::string text = "struct(";
      for (const auto& field : type.fields())
        text += (text.back() == '(' ? "" : ", ") + quoted_identifier(field->name()) + " " + type_name(*field->type());
      return text + ")";
    }
    default:
      return type.ToString();
  }
}

std::string schema_text(const arrow::Schema& schema) {
  std::string text;
  for (const auto& field : schema.fields())
    text += (text.empty() ? "" : ", ") + quoted_identifier(field->name()) + " " + type_name(*field->type());
  return text;
}

}  // namespace sluice
