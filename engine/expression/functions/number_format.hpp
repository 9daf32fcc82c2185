#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::expression {

/// A format of to_char and to_number for numbers, as PostgreSQL has it: 9 0 . , D G FM MI PL SG S PR TH V L RN EEEE.
/// The rules are those of PostgreSQL's formatting.c, which its documentation only outlines.
class number_format {
 public:
  /// Empty where the format is not valid; `fault` continues after "the format 'x' ".
  static std::optional<number_format> parse(std::string_view text, std::string& fault);

  [[nodiscard]] int digits_before() const { return before_; }
  [[nodiscard]] int digits_behind() const { return behind_; }
  /// The number is multiplied by ten to this power before it is written.
  [[nodiscard]] int shift() const { return shift_; }
  [[nodiscard]] bool is_roman() const { return roman_; }
  [[nodiscard]] bool is_scientific() const { return scientific_; }

  /// Appends a number given by its digits, rounded to digits_behind(): "1234.50".
  void write(std::string& out, std::string_view digits, bool negative) const;
  /// Appends 1 to 3999 in Roman numerals, anything else as ###############.
  void write_roman(std::string& out, std::optional<int> value) const;
  /// Reads the digits of a number, with its sign and point; false where there are none.
  bool read(std::string_view text, std::string& digits) const;

 private:
  enum class item_kind { nine, zero, point, comma, group, currency, minus, plus, sign, ordinal, ordinal_upper, text };
  struct item {
    item_kind kind;
    std::string text = {};
  };
  class writer;
  class reader;
  friend class number_format_parser;

  std::vector<item> items_;
  int before_ = 0;
  int behind_ = 0;
  int shift_ = 0;
  int zero_start_ = 0;
  int zero_end_ = 0;
  int sign_after_ = 0;  ///< digits before S
  bool decimal_ = false;
  bool zeros_ = false;
  bool fill_ = false;  ///< FM
  bool locale_sign_ = false;
  bool sign_behind_ = false;
  bool brackets_ = false;
  bool minus_ = false;
  bool plus_ = false;
  bool roman_ = false;
  bool lower_roman_ = false;
  bool multiplied_ = false;
  bool scientific_ = false;
};

}  // namespace sluice::expression
