// The names of types as users write them: parse_type.
#include "engine/error/names.hpp"
#include "engine/values/map_type.hpp"
#include "engine/values/marked_text.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>

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
    known_type{"time", time_type},
    known_type{"time without time zone", time_type},
    known_type{"timestamp", timestamp_type},
    known_type{"datetime", timestamp_type},
    known_type{"timestamp without time zone", timestamp_type},
    known_type{"timestamptz", timestamptz_type},
    known_type{"timestamp with time zone", timestamptz_type},
    known_type{"interval", interval_type},
};

constexpr int deepest_type = 32;

class type_parser {
 public:
  explicit type_parser(std::string_view text) : text_(text) {}

  result<type_ptr> parse() {
    SLUICE_ASSIGN(auto type, element(0));
    skip_spaces();
    if (at_ != text_.size()) return fault("invalid_type", "unexpected text after the type " + type_name(*type));
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
    if (name == "map" && take('(')) return map(depth);
    if (name == "json" || name == "jsonb") return json_type();
    if (name == "uuid") return uuid_type();
    if ((name == "varchar" || name == "character varying") && take('(')) return limited_text(begin);
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
    std::vector<std::string> names{"decimal", "numeric", "struct", "map", "json", "uuid"};
    for (const auto& known : known_types) names.emplace_back(known.name);
    const auto near = nearest_name(name, names);
    return fault_at(
        at, "unknown_type", "there is no type " + name,
        near.empty()
            ? "types are boolean, smallint, integer, bigint, ubigint, real, double, decimal(p,s), text, "
              "bytea, date, time, timestamp, timestamptz, interval, json, uuid, varchar(n), T[], struct(...), map(K, V)"
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
    // Without digits: room for most numbers, in 128 bits.
    if (!take('(')) return arrow::decimal128(38, 9);
    SLUICE_ASSIGN(const int precision, number("precision"));
    int scale = 0;
    if (take(',')) {
      SLUICE_ASSIGN(scale, number("scale"));
    }
    if (!take(')')) return fault("invalid_type", "expected ) after the precision and scale of the decimal");
    if (precision < 1 || precision > 76)
      return fault_at(begin, "invalid_type", "a decimal must have 1 to 76 digits, found " + std::to_string(precision));
    if (scale > precision)
      return fault_at(begin, "invalid_type",
                      "the scale of a decimal can't be greater than its precision " + std::to_string(precision) +
                          ", not " + std::to_string(scale));
    return precision <= 38 ? arrow::decimal128(precision, scale) : arrow::decimal256(precision, scale);
  }

  result<type_ptr> map(int depth) {
    SLUICE_ASSIGN(auto key, element(depth + 1));
    if (!take(','))
      return fault("invalid_type", "expected a comma after the type of the keys", "write map(text, bigint)");
    SLUICE_ASSIGN(auto value, element(depth + 1));
    if (!take(')')) return fault("invalid_type", "expected ) after the type of the values", "write map(text, bigint)");
    return map_type(std::move(key), std::move(value));
  }

  result<type_ptr> limited_text(std::size_t begin) {
    constexpr int longest = 10'485'760;
    skip_spaces();
    int most = 0;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9' && most <= longest)
      most = most * 10 + (text_[at_++] - '0');
    if (!take(')'))
      return fault("invalid_type", "expected the number of characters of the varchar", "write varchar(20)");
    if (most < 1 || most > longest)
      return fault_at(begin, "invalid_type", "a varchar must have 1 to 10485760 characters");
    return varchar_type(most);
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
      return fault("invalid_type", "the quoted name of a field is not closed");
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
    if (!take(')')) return fault("invalid_type", "expected , or ) after a field of the struct");
    return arrow::struct_(std::move(fields));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

result<type_ptr> parse_type(std::string_view text) { return type_parser(text).parse(); }

}  // namespace sluice
