#include "engine/types.hpp"

#include "engine/value_text.hpp"

#include <arrow/api.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace sluice {

namespace {

using type_ptr = std::shared_ptr<arrow::DataType>;

struct known_type {
  std::string_view name;
  const type_ptr& (*get)();
};

const type_ptr& microseconds() {
  static const auto type = arrow::timestamp(arrow::TimeUnit::MICRO);
  return type;
}
const type_ptr& microseconds_utc() {
  static const auto type = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  return type;
}
const type_ptr& time_of_day() {
  static const auto type = arrow::time64(arrow::TimeUnit::MICRO);
  return type;
}
const type_ptr& interval() {
  static const auto type = arrow::month_day_nano_interval();
  return type;
}

// The first name of a type is its own, the others are aliases.
constexpr std::array known_types = {
    known_type{"boolean", arrow::boolean},
    known_type{"bool", arrow::boolean},
    known_type{"smallint", arrow::int16},
    known_type{"int16", arrow::int16},
    known_type{"int2", arrow::int16},
    known_type{"integer", arrow::int32},
    known_type{"int", arrow::int32},
    known_type{"int32", arrow::int32},
    known_type{"int4", arrow::int32},
    known_type{"bigint", arrow::int64},
    known_type{"int64", arrow::int64},
    known_type{"int8", arrow::int64},
    known_type{"long", arrow::int64},
    known_type{"ubigint", arrow::uint64},
    known_type{"uint64", arrow::uint64},
    known_type{"real", arrow::float32},
    known_type{"float32", arrow::float32},
    known_type{"float4", arrow::float32},
    known_type{"double", arrow::float64},
    known_type{"double precision", arrow::float64},
    known_type{"float64", arrow::float64},
    known_type{"float8", arrow::float64},
    known_type{"float", arrow::float64},
    known_type{"text", arrow::utf8},
    known_type{"varchar", arrow::utf8},
    known_type{"character varying", arrow::utf8},
    known_type{"string", arrow::utf8},
    known_type{"utf8", arrow::utf8},
    known_type{"bytea", arrow::binary},
    known_type{"binary", arrow::binary},
    known_type{"blob", arrow::binary},
    known_type{"date", arrow::date32},
    known_type{"time", time_of_day},
    known_type{"time without time zone", time_of_day},
    known_type{"timestamp", microseconds},
    known_type{"datetime", microseconds},
    known_type{"timestamp without time zone", microseconds},
    known_type{"timestamptz", microseconds_utc},
    known_type{"timestamp with time zone", microseconds_utc},
    known_type{"interval", interval},
};

constexpr int deepest_type = 32;

class type_parser {
 public:
  explicit type_parser(std::string_view text) : text_(text) {}

  result<type_ptr> parse() {
    SLUICE_ASSIGN(auto type, element(0));
    skip_spaces();
    if (at_ != text_.size()) return fault("invalid_type", "nothing may follow the type " + type_name(*type));
    return type;
  }

 private:
  error fault(std::string code, std::string message, std::string hint = {}) const {
    return fault_at(at_, std::move(code), std::move(message), std::move(hint));
  }
  static error fault_at(std::size_t at, std::string code, std::string message, std::string hint = {}) {
    auto problem = user_error(std::move(code), std::move(message), std::move(hint));
    problem.offset = at;
    return problem;
  }

  void skip_spaces() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  bool take(char wanted) {
    skip_spaces();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  std::string word() {
    skip_spaces();
    std::string name;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '_'))
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(text_[at_++])));
    return name;
  }

  // Takes the further words of "timestamp with time zone" and its like: the longest known name wins.
  std::string name_of_type() {
    auto name = word();
    auto end = at_;
    auto longer = name;
    for (int words = 1; words < 4 && !name.empty(); ++words) {
      const auto next = word();
      if (next.empty()) break;
      longer += ' ' + next;
      if (find(longer) != nullptr) {
        name = longer;
        end = at_;
      }
    }
    at_ = end;
    return name;
  }

  static const known_type* find(std::string_view name) {
    const auto* found =
        std::find_if(known_types.begin(), known_types.end(), [&](const auto& t) { return t.name == name; });
    return found == known_types.end() ? nullptr : found;
  }

  result<type_ptr> element(int depth) {
    if (depth > deepest_type) return fault("invalid_type", "the type is nested too deeply");
    SLUICE_ASSIGN(auto type, base(depth));
    while (take('[')) {
      if (!take(']')) return fault("invalid_type", "expected ] of the array type " + type_name(*type) + "[]");
      if (++depth > deepest_type) return fault("invalid_type", "the type is nested too deeply");
      type = arrow::list(type);
    }
    return type;
  }

  result<type_ptr> base(int depth) {
    skip_spaces();
    const auto begin = at_;
    const auto name = name_of_type();
    if (name == "decimal" || name == "numeric") return decimal(begin);
    if (name == "struct" && take('(')) return structure(depth);
    if (name == "json" || name == "jsonb" || name == "uuid")
      return fault_at(begin, "not_supported_yet", "the type " + name + " is not supported yet", "use text");
    const auto* known = find(name);
    if (known == nullptr) return unknown(begin, name);
    skip_spaces();
    if (at_ < text_.size() && text_[at_] == '(')
      return fault("not_supported_yet", "a length or precision of " + name + " is not supported yet",
                   "write " + std::string(name) + " without it");
    return known->get();
  }

  static error unknown(std::size_t at, const std::string& name) {
    if (name.empty()) return fault_at(at, "invalid_type", "expected a type such as bigint, text or decimal(12,2)");
    std::vector<std::string> names{"decimal", "numeric", "struct"};
    for (const auto& known : known_types) names.emplace_back(known.name);
    const auto near = nearest_name(name, names);
    return fault_at(at, "unknown_type", "there is no type " + name,
                    near.empty()
                        ? "types are boolean, smallint, integer, bigint, ubigint, real, double, decimal(p,s), text, "
                          "bytea, date, time, timestamp, timestamptz, interval, T[], struct(...)"
                        : "did you mean " + near + "?");
  }

  result<int> number(const char* what) {
    skip_spaces();
    const auto begin = at_;
    int value = 0;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9' && value < 1000)
      value = value * 10 + (text_[at_++] - '0');
    if (at_ == begin)
      return fault("invalid_type", std::string("expected the ") + what + " of the decimal", "write decimal(12,2)");
    return value;
  }

  result<type_ptr> decimal(std::size_t begin) {
    if (!take('('))
      return fault_at(begin, "invalid_type", "a decimal needs its precision and scale",
                      "write decimal(12,2) for up to 12 digits, 2 of them behind the point");
    SLUICE_ASSIGN(const int precision, number("precision"));
    int scale = 0;
    if (take(',')) {
      SLUICE_ASSIGN(scale, number("scale"));
    }
    if (!take(')')) return fault("invalid_type", "expected ) behind the precision and scale of the decimal");
    if (precision < 1 || precision > 76)
      return fault_at(begin, "invalid_type", "a decimal has 1 to 76 digits, not " + std::to_string(precision));
    if (scale > precision)
      return fault_at(begin, "invalid_type",
                      "the scale of a decimal is at most its precision " + std::to_string(precision) + ", not " +
                          std::to_string(scale));
    return precision <= 38 ? arrow::decimal128(precision, scale) : arrow::decimal256(precision, scale);
  }

  result<std::string> field_name() {
    skip_spaces();
    if (at_ < text_.size() && text_[at_] == '"') {
      std::string name;
      for (++at_; at_ < text_.size(); ++at_) {
        if (text_[at_] != '"') {
          name += text_[at_];
        } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
          name += '"';
          ++at_;
        } else {
          ++at_;
          return name;
        }
      }
      return fault("invalid_type", "the quoted name of a field has no end");
    }
    const auto begin = at_;
    word();
    if (at_ == begin) return fault("invalid_type", "expected the name of a field", "write struct(a bigint, b text)");
    return std::string(text_.substr(begin, at_ - begin));
  }

  result<type_ptr> structure(int depth) {
    arrow::FieldVector fields;
    do {
      SLUICE_ASSIGN(auto name, field_name());
      SLUICE_ASSIGN(auto type, element(depth + 1));
      fields.push_back(arrow::field(std::move(name), std::move(type)));
    } while (take(','));
    if (!take(')')) return fault("invalid_type", "expected , or ) behind a field of the struct");
    return arrow::struct_(std::move(fields));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// The decimal that parse_type knows. Arrow's may have fewer than no places (12E3), or more places than digits
// (0.00012).
type_ptr language_decimal(const arrow::DecimalType& type) {
  const int scale = std::max(type.scale(), 0);
  const int precision = std::max(type.precision() - std::min(type.scale(), 0), scale);
  if (precision <= arrow::Decimal128Type::kMaxPrecision) return arrow::decimal128(precision, scale);
  if (precision <= arrow::Decimal256Type::kMaxPrecision) return arrow::decimal256(precision, scale);
  return nullptr;
}

}  // namespace

result<type_ptr> parse_type(std::string_view text) { return type_parser(text).parse(); }

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
      return time_of_day();
    case arrow::Type::TIMESTAMP:
      return static_cast<const arrow::TimestampType&>(*type).timezone().empty() ? microseconds() : microseconds_utc();
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256: {
      auto made = language_decimal(static_cast<const arrow::DecimalType&>(*type));
      return made && made->Equals(*type) ? type : made;
    }
    case arrow::Type::INTERVAL_MONTHS:
    case arrow::Type::INTERVAL_DAY_TIME:
      return interval();
    case arrow::Type::DICTIONARY:
      return language_type(static_cast<const arrow::DictionaryType&>(*type).value_type());
    case arrow::Type::RUN_END_ENCODED:
      return language_type(static_cast<const arrow::RunEndEncodedType&>(*type).value_type());
    case arrow::Type::EXTENSION:
      return language_type(static_cast<const arrow::ExtensionType&>(*type).storage_type());
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::LIST_VIEW:
    case arrow::Type::LARGE_LIST_VIEW:
    case arrow::Type::FIXED_SIZE_LIST: {
      auto value = language_type(type->field(0)->type());
      if (value == nullptr) return nullptr;
      if (type->id() == arrow::Type::LIST && value->Equals(*type->field(0)->type())) return type;
      return arrow::list(value);
    }
    case arrow::Type::STRUCT: {
      arrow::FieldVector fields;
      for (const auto& field : type->fields()) {
        auto inner = language_type(field->type());
        if (inner == nullptr) return nullptr;
        fields.push_back(arrow::field(field->name(), std::move(inner)));
      }
      auto made = arrow::struct_(std::move(fields));
      return made->Equals(*type) ? type : made;
    }
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
      return "interval";
    case arrow::Type::DICTIONARY:
      return type_name(*static_cast<const arrow::DictionaryType&>(type).value_type());
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::LIST_VIEW:
    case arrow::Type::LARGE_LIST_VIEW:
    case arrow::Type::FIXED_SIZE_LIST:
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

std::string value_text(const arrow::Array& column, std::int64_t row) {
  std::string text;
  append_value(text, column, row);
  return text;
}

std::string quoted_identifier(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  if (!name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), plain))
    return std::string(name);
  std::string text = "\"";
  for (const char c : name) text.append(c == '"' ? 2 : 1, c);
  return text + '"';
}

}  // namespace sluice
