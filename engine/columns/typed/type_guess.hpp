#pragma once

#include <arrow/type_fwd.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::typed {

/// NA, null, - and other words that mostly stand for null.
bool is_null_word(std::string_view text);

/// A value seen in a sample, and where.
struct seen_value {
  std::string value;
  std::size_t file = 0;
  std::int64_t offset = 0;  ///< of its record
};

/// Why a column whose values are mostly of one type is text all the same.
struct text_reason {
  std::shared_ptr<arrow::DataType> likely;  ///< what `types:` could say
  seen_value first;                         ///< the first value in the way
  std::uint64_t odd = 0;                    ///< values that are not of the likely type; 0: they are, in other spelling
  std::uint64_t seen = 0;                   ///< values in all
  std::vector<std::string> null_words;      ///< those of the odd ones that mostly stand for null
  bool only_null_words = false;             ///< ... and there are no others
};

/// Guesses the type of a column from its values: the narrowest of boolean, bigint, double, decimal, date, timestamp,
/// timestamptz and text in which every number is written just as it stands (spelling.hpp). Numbers with a fixed number
/// of digits behind the point (12.50, 3.00) make a decimal.
class type_guess {
 public:
  void see(std::string_view value, std::size_t file = 0, std::int64_t offset = 0);
  /// text where no value was seen.
  [[nodiscard]] std::shared_ptr<arrow::DataType> type() const;
  /// The type that takes all values if their spelling does not matter.
  [[nodiscard]] std::shared_ptr<arrow::DataType> lenient_type() const;
  /// Where `type` is text although nearly all values are of another type.
  [[nodiscard]] std::optional<text_reason> why_text() const;

 private:
  /// What a value could be if its spelling did not matter. Bits.
  enum nature : unsigned {
    none = 0,
    boolean = 1,
    whole = 2,
    fraction = 4,
    date = 8,
    local = 16,
    zoned = 32,
    text = 64
  };
  enum family : std::size_t { truths, numbers, times, zoned_times, texts, families };
  static nature nature_of(std::string_view value);
  static family family_of(nature what);
  static std::shared_ptr<arrow::DataType> type_of(unsigned natures, bool large);
  /// Notes how a value is spelled; true where a type of its nature would write it so.
  bool spelled(std::string_view value, nature what);
  [[nodiscard]] std::shared_ptr<arrow::DataType> number_type() const;

  unsigned natures_ = none;
  bool respelled_ = false;      ///< a value that its type would write in another way
  bool large_ = false;          ///< a whole number that no double is equal to
  bool long_whole_ = false;     ///< a whole number that a double would be written with an exponent for
  bool named_ = false;          ///< NaN, Infinity
  bool long_fraction_ = false;  ///< a fraction that is no shortest double: 12.50
  bool short_fraction_ = false;
  bool exponent_ = false;
  int digits_ = 0;  ///< most before a point
  int least_scale_ = 1000;
  int most_scale_ = 0;

  std::uint64_t seen_ = 0;
  bool code_ = false;  ///< digits with leading zeros or a plus, or too many: no number to whoever wrote them
  std::array<std::uint64_t, families> counts_ = {};
  std::array<std::optional<seen_value>, families> first_;
  std::optional<seen_value> first_respelled_;
  std::uint64_t null_words_ = 0;
  std::vector<std::string> words_;  ///< distinct ones, a few
  std::optional<seen_value> first_word_;
};

}  // namespace sluice::typed
