#include "engine/columns/typed/explain_value.hpp"

#include "engine/columns/contradiction.hpp"
#include "engine/columns/typed/read_value.hpp"
#include "engine/columns/typed/type_guess.hpp"
#include "engine/values/ascii.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>

namespace sluice::typed {

namespace {

/// What a value is, in a word or two.
std::string nature_of(const std::string& value, const arrow::DataType& inferred) {
  const auto text = ascii::trimmed(value);
  const auto digits = !text.empty() && (text[0] == '-' || text[0] == '+') ? text.substr(1) : text;
  const bool only_digits = !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
  if (only_digits && digits.size() > 1 && digits[0] == '0') return "has leading zeros";
  if (only_digits && text[0] == '+') return "has a plus";
  if (text.empty()) return value.empty() ? "is empty" : "is blank";
  if (text.size() < value.size()) return "has blanks around it";
  if (inferred.id() == arrow::Type::DOUBLE && beyond_double(text))
    return "is an integer that double can't hold exactly";
  type_guess guess;
  guess.see(value);
  const auto type = guess.lenient_type();
  if (type->Equals(inferred) && !guess.type()->Equals(inferred)) return "would be written differently";
  switch (type->id()) {
    case arrow::Type::BOOL:
      return "is boolean";
    case arrow::Type::INT64:
      return "is an integer";
    case arrow::Type::DOUBLE:
      return "is decimal";
    case arrow::Type::DATE32:
      return "is a date";
    case arrow::Type::TIMESTAMP:
      return "is a timestamp";
    default:
      return only_digits ? "is an integer with more than 64 bits" : "is text";
  }
}

/// The narrowest type that takes the value as well as what was seen before, whatever their spelling.
std::string wider_type(const column_plan& column, const std::string& value) {
  type_guess guess;
  switch (column.type->id()) {
    case arrow::Type::BOOL:
      guess.see("true");
      break;
    case arrow::Type::INT64:
      guess.see("1");
      break;
    case arrow::Type::DECIMAL128:
    case arrow::Type::DOUBLE:
      guess.see("1.5");  // with a large integer: text
      break;
    case arrow::Type::DATE32:
      guess.see("2000-01-01");
      break;
    case arrow::Type::TIMESTAMP:
      guess.see(type_name(*column.type) == "timestamptz" ? "2000-01-01 00:00:00+00" : "2000-01-01 00:00:00");
      break;
    default:
      break;
  }
  guess.see(value);
  return type_name(*guess.lenient_type());
}

}  // namespace

error contradicts_inference(const column_plan& column, const std::string& value, std::int64_t sampled_rows,
                            const std::string& file, std::uint64_t line) {
  return contradicts_type({.column = column.name,
                           .key = column.name,
                           .type = type_name(*column.type),
                           .value = value,
                           .nature = nature_of(value, *column.type),
                           .wider = wider_type(column, value),
                           .sampled_rows = sampled_rows,
                           .file = file,
                           .line = line});
}

}  // namespace sluice::typed
