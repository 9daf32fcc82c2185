#include "engine/formats/ndjson/inference.hpp"

#include "engine/formats/csv/values.hpp"
#include "engine/formats/ndjson/cursor.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_parse.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace sluice::ndjson {

namespace {

constexpr int deepest_column = 32;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// 2024-05-01, in exactly this form: other texts that might be dates stay texts.
bool has_date(std::string_view text) {
  if (text.size() < 10 || text[4] != '-' || text[7] != '-') return false;
  for (const int i : {0, 1, 2, 3, 5, 6, 8, 9})
    if (!is_digit(text[static_cast<std::size_t>(i)])) return false;
  std::int32_t days = 0;
  return parse_date(text.substr(0, 10), days) == parsed::good;
}

}  // namespace

struct observation::named {
  std::string name;
  std::string token;  ///< "name": as it mostly stands in the text
  observation seen;
};

observation::observation() = default;
observation::~observation() = default;
observation::observation(observation&&) noexcept = default;
observation& observation::operator=(observation&&) noexcept = default;

const char* observation::look(const char* at, int depth) {
  if (given_) return skip_plain_value(at, depth);
  if (depth > deepest_column) {
    // What is nested deeper is read as text.
    text_ = object_ = true;
    return skip_value(at, depth);
  }
  switch (*at) {
    case '{':
      return look_at_object(at, depth);
    case '[':
      return look_at_list(at, depth);
    case '"':
      return look_at_text(at);
    case 't':
    case 'f':
      boolean_ = true;
      return skip_value(at, depth);
    case 'n':
      return skip_value(at, depth);
    default:
      return look_at_number(at);
  }
}

const char* observation::find_field(const char* at, std::size_t& place) {
  // Mostly records have the same fields one behind the other.
  if (place < fields_.size() && std::strncmp(at, fields_[place].token.data(), fields_[place].token.size()) == 0)
    return at + fields_[place].token.size();
  std::string name;
  at = *at == '"' ? read_string(at + 1, name) : nullptr;
  if (at == nullptr) return nullptr;
  at = skip_blanks(at);
  if (*at != ':') return nullptr;
  const auto [known, added] = by_name_.emplace(name, fields_.size());
  place = known->second;
  if (added) {
    auto& made = fields_.emplace_back();
    append_json_text(made.token, name);
    made.token += ':';
    made.seen.given_ = given_fields_ != nullptr && given_fields_->contains(name);
    made.name = std::move(name);
  }
  return at + 1;
}

const char* observation::look_at_object(const char* at, int depth) {
  object_ = true;
  at = skip_blanks(at + 1);
  if (*at == '}') return at + 1;
  for (std::size_t place = 0;; ++place) {
    at = find_field(at, place);
    if (at == nullptr) return nullptr;
    at = fields_[place].seen.look(skip_blanks(at), depth + 1);
    if (at == nullptr) return nullptr;
    at = skip_blanks(at);
    if (*at == '}') return at + 1;
    if (*at != ',') return nullptr;
    at = skip_blanks(at + 1);
  }
}

const char* observation::look_at_list(const char* at, int depth) {
  list_ = true;
  if (!element_) element_ = std::make_unique<observation>();
  at = skip_blanks(at + 1);
  if (*at == ']') return at + 1;
  for (;;) {
    at = element_->look(at, depth + 1);
    if (at == nullptr) return nullptr;
    at = skip_blanks(at);
    if (*at == ']') return at + 1;
    if (*at != ',') return nullptr;
    at = skip_blanks(at + 1);
  }
}

const char* observation::look_at_text(const char* at) {
  text_ = true;
  if (!(dates_ || local_times_ || zoned_times_)) return skip_string(at + 1);
  std::string text;
  at = read_string(at + 1, text);
  if (at == nullptr) return at;
  const bool date = has_date(text);
  dates_ = dates_ && date && text.size() == 10;
  csv::moment when;
  const bool time = date && text.size() > 10 && (text[10] == 'T' || text[10] == ' ') && csv::read_moment(text, when);
  local_times_ = local_times_ && time && !when.zoned;
  zoned_times_ = zoned_times_ && time && when.zoned;
  return at;
}

const char* observation::look_at_number(const char* at) {
  number value;
  at = read_number(at, value);
  if (at == nullptr) return nullptr;
  number_ = true;
  fraction_ = fraction_ || !value.whole;
  large_ = large_ || beyond_double(value);
  if (!value.whole) {
    beyond_ = beyond_ || std::isinf(to_double(value));
    return at;
  }
  negative_ = negative_ || (value.negative && value.digits != 0);
  most_digits_ = std::max(most_digits_, static_cast<int>(value.end - value.begin) - (value.negative ? 1 : 0));
  std::int64_t as_signed = 0;
  std::uint64_t as_unsigned = 0;
  above_signed_ = above_signed_ || std::from_chars(value.begin, value.end, as_signed).ec != std::errc{};
  above_unsigned_ =
      above_unsigned_ || (!value.negative && std::from_chars(value.begin, value.end, as_unsigned).ec != std::errc{});
  return at;
}

std::shared_ptr<arrow::DataType> observation::number_type() const {
  if (beyond_ || (fraction_ && large_)) return arrow::utf8();
  if (fraction_) return arrow::float64();
  if (!above_signed_) return arrow::int64();
  if (!above_unsigned_ && !negative_) return arrow::uint64();
  // Every digit is kept as long as a decimal has room for it.
  if (most_digits_ <= 38) return arrow::decimal128(38, 0);
  return most_digits_ <= 76 ? arrow::decimal256(76, 0) : arrow::utf8();
}

std::shared_ptr<arrow::DataType> observation::type() const {
  const int kinds = (boolean_ ? 1 : 0) + (number_ ? 1 : 0) + (text_ ? 1 : 0) + (object_ ? 1 : 0) + (list_ ? 1 : 0);
  if (kinds != 1) return arrow::utf8();
  if (boolean_) return arrow::boolean();
  if (number_) return number_type();
  if (list_) return arrow::list(element_->type());
  if (object_) {
    // An object without any field is a struct that no format can hold.
    if (fields_.empty()) return arrow::utf8();
    arrow::FieldVector fields;
    for (const auto& one : fields_) fields.push_back(arrow::field(one.name, one.seen.type()));
    return arrow::struct_(std::move(fields));
  }
  if (dates_) return arrow::date32();
  if (local_times_) return timestamp_type();
  return zoned_times_ ? timestamptz_type() : arrow::utf8();
}

void sample::look(const char* at) {
  at = skip_blanks(at);
  // A record that is broken must not leave traces: it is checked before.
  if (*at != '{' || skip_value(at, 0) == nullptr) {
    if (broken_++ == 0) first_broken_.assign(at, line_end(at));
    return;
  }
  (void)all_.look(at, 0);
  ++records_;
}

std::shared_ptr<arrow::Schema> sample::schema() const {
  arrow::FieldVector fields;
  for (const auto& one : all_.fields_) fields.push_back(arrow::field(one.name, one.seen.type()));
  return arrow::schema(std::move(fields));
}

}  // namespace sluice::ndjson
