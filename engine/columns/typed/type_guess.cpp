#include "engine/columns/typed/type_guess.hpp"

#include "engine/columns/typed/plain_value.hpp"
#include "engine/columns/typed/read_value.hpp"
#include "engine/columns/typed/spelling.hpp"
#include "engine/values/ascii.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace sluice::typed {

namespace {

constexpr int most_digits = 38;  // of a decimal
constexpr int usual_precision = 18;
constexpr int usual_digits = 15;
constexpr std::size_t longest_plain_double = 15;  // digits that a double is written with before an exponent comes
constexpr std::size_t most_words = 4;

bool all_of_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Digits, point and exponent, or one of the usual names of what is no number.
bool looks_like_number(std::string_view text) {
  for (const auto* name : {"NaN", "nan", "inf", "-inf", "Infinity", "-Infinity"}) {
    if (text == name) return true;
  }
  return text.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
}

std::string_view without_sign(std::string_view text) {
  return !text.empty() && (text[0] == '-' || text[0] == '+') ? text.substr(1) : text;
}

/// 007, +49, and more digits than 64 bits hold.
bool is_code(std::string_view text) {
  const auto digits = without_sign(text);
  if (!all_of_digits(digits)) return false;
  std::int64_t number = 0;
  return text[0] == '+' || (digits.size() > 1 && digits[0] == '0') || !read_integer(text, number);
}

}  // namespace

bool is_null_word(std::string_view text) {
  static constexpr std::string_view words[] = {"NA",  "N/A", "n/a", "#N/A", "NULL", "null", "Null", "None", "none",
                                               "\\N", "-",   "--",  "?",    ".",    "nan",  "NaN",  "nil",  "n.a."};
  return std::find(std::begin(words), std::end(words), text) != std::end(words);
}

type_guess::nature type_guess::nature_of(std::string_view value) {
  const auto trimmed = ascii::trimmed(value);
  if (trimmed.empty()) return text;
  const char first = trimmed[0];
  if ((first >= '0' && first <= '9') || first == '-' || first == '.') {
    const auto digits = first == '-' ? trimmed.substr(1) : trimmed;
    if (has_leading_zero(reinterpret_cast<const std::uint8_t*>(digits.data()), digits.size())) {
      moment when;
      if (!read_moment(trimmed, when)) return text;
    }
    if (all_of_digits(digits)) {
      std::int64_t number = 0;
      return read_integer(trimmed, number) ? whole : text;
    }
  }
  bool truth = false;
  if (trimmed.size() > 3 && trimmed.size() < 6 && read_boolean(trimmed, truth)) return boolean;
  if (looks_like_number(trimmed) && first != '+') {
    double number = 0;
    if (read_double(trimmed, number)) return fraction;
  }
  moment when;
  if (!read_moment(trimmed, when)) return text;
  if (when.zoned) return zoned;
  return trimmed.size() == 10 ? date : local;
}

type_guess::family type_guess::family_of(nature what) {
  switch (what) {
    case boolean:
      return truths;
    case whole:
    case fraction:
      return numbers;
    case date:
    case local:
      return times;
    case zoned:
      return zoned_times;
    default:
      return texts;
  }
}

bool type_guess::spelled(std::string_view value, nature what) {
  std::int64_t integer = 0;
  double number = 0;
  switch (what) {
    case boolean:
      return spells_boolean(value);
    case whole:
      large_ = large_ || beyond_double(ascii::trimmed(value));
      long_whole_ = long_whole_ || value.size() > longest_plain_double;
      return spells_integer(value, integer);
    case fraction: {
      const bool shortest = spells_double(value, number);
      decimal_digits digits;
      if (spells_decimal(value, digits)) {
        digits_ = std::max(digits_, digits.whole);
        least_scale_ = std::min(least_scale_, digits.scale);
        most_scale_ = std::max(most_scale_, digits.scale);
        (shortest ? short_fraction_ : long_fraction_) = true;
        return true;
      }
      (value.find_first_of("nN") == std::string_view::npos ? exponent_ : named_) = true;
      return shortest;
    }
    case date:
    case local:
    case zoned:
      return ascii::trimmed(value).size() == value.size();
    default:
      return true;
  }
}

void type_guess::see(std::string_view value, std::size_t file, std::int64_t offset) {
  ++seen_;
  const auto here = [&] { return seen_value{std::string(value.substr(0, 200)), file, offset}; };
  if (is_null_word(value)) {
    ++null_words_;
    if (!first_word_) first_word_ = here();
    if (words_.size() < most_words && std::find(words_.begin(), words_.end(), value) == words_.end())
      words_.emplace_back(value);
    // NaN is a number beside numbers; every other such word is text.
    if (value != "NaN") natures_ |= text;
    named_ = named_ || value == "NaN";
    return;
  }
  const auto what = nature_of(value);
  natures_ |= what;
  code_ = code_ || (what == text && is_code(value));
  const auto kin = family_of(what);
  if (counts_[kin]++ == 0) first_[kin] = here();
  if (spelled(value, what)) return;
  respelled_ = true;
  if (!first_respelled_) first_respelled_ = here();
}

std::shared_ptr<arrow::DataType> type_guess::type_of(unsigned natures, bool large) {
  if (large && (natures & fraction) != 0) return arrow::utf8();
  switch (natures) {
    case boolean:
      return arrow::boolean();
    case whole:
      return arrow::int64();
    case fraction:
    case whole | fraction:
      return arrow::float64();
    case date:
      return arrow::date32();
    case local:
    case date | local:
      return timestamp_type();
    case zoned:
      return timestamptz_type();
    default:
      return arrow::utf8();
  }
}

std::shared_ptr<arrow::DataType> type_guess::number_type() const {
  const bool whole_too = (natures_ & whole) != 0;
  if (!long_fraction_) return long_whole_ ? arrow::utf8() : arrow::float64();
  if (whole_too || exponent_ || named_ || least_scale_ != most_scale_ || digits_ + most_scale_ > most_digits)
    return arrow::utf8();
  return arrow::decimal128(digits_ + most_scale_ > usual_digits ? most_digits : usual_precision, most_scale_);
}

std::shared_ptr<arrow::DataType> type_guess::type() const {
  if (respelled_) return arrow::utf8();
  if (named_ && (natures_ & ~static_cast<unsigned>(whole | fraction)) != 0) return arrow::utf8();
  if (counts_[numbers] == 0 && named_) return arrow::utf8();
  if ((natures_ & fraction) != 0 || named_)
    return (natures_ & ~static_cast<unsigned>(whole | fraction)) != 0 ? arrow::utf8() : number_type();
  return type_of(natures_, large_);
}

std::shared_ptr<arrow::DataType> type_guess::lenient_type() const {
  return type_of(natures_ | (named_ && natures_ != none ? fraction : none), large_);
}

std::optional<text_reason> type_guess::why_text() const {
  if (type()->id() != arrow::Type::STRING || code_) return {};
  const auto most = static_cast<family>(std::max_element(counts_.begin(), counts_.end()) - counts_.begin());
  const auto of_family = counts_[most];
  if (most == texts || of_family < 2) return {};
  const auto others = seen_ - null_words_ - of_family;
  if (others > 1 && others * 4 > of_family) return {};
  static constexpr std::array<unsigned, families> members = {boolean, whole | fraction, date | local, zoned, text};
  text_reason why;
  why.likely = type_of(natures_ & members[most], large_);
  if (why.likely->id() == arrow::Type::STRING) return {};
  why.odd = others + null_words_;
  why.seen = seen_;
  why.null_words = words_;
  why.only_null_words = others == 0 && null_words_ > 0;
  const auto take = [&](const std::optional<seen_value>& candidate) {
    if (!candidate) return;
    const bool earlier = why.first.value.empty() || candidate->file < why.first.file ||
                         (candidate->file == why.first.file && candidate->offset < why.first.offset);
    if (earlier) why.first = *candidate;
  };
  if (others > 0) {
    for (std::size_t each = 0; each < families; ++each)
      if (each != most) take(first_[each]);
  } else if (null_words_ > 0) {
    take(first_word_);
  } else {
    take(first_respelled_);
    // Both 1.50 and 1.5: no single value is odd.
    if (!first_respelled_) take(first_[most]);
  }
  return why;
}

}  // namespace sluice::typed
