#pragma once

#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace sluice::ndjson {

/// What was seen of one field in a sample of records.
class observation {
 public:
  /// Looks at the value at `at` and gives its end; null where it is no JSON.
  const char* look(const char* at, int depth);
  /// The type that holds all values seen: null and nothing but null is text, kinds that do not go together are text.
  [[nodiscard]] std::shared_ptr<arrow::DataType> type() const;

 private:
  friend class sample;
  const char* look_at_object(const char* at, int depth);
  const char* look_at_list(const char* at, int depth);
  const char* look_at_text(const char* at);
  const char* look_at_number(const char* at);
  [[nodiscard]] std::shared_ptr<arrow::DataType> number_type() const;

  struct named;
  /// Reads a field's key at `at` and gives what is behind it; `place` is its number, which it gets here where it is
  /// new.
  const char* find_field(const char* at, std::size_t& place);
  std::vector<named> fields_;  ///< of objects, as they came first
  std::unordered_map<std::string, std::size_t> by_name_;
  const std::unordered_set<std::string>* given_fields_ = nullptr;  ///< of a record, those whose types are known
  bool given_ = false;                                             ///< one of these: values are checked, not looked at
  std::unique_ptr<observation> element_;                           ///< of arrays
  bool boolean_ = false;
  bool number_ = false;
  bool text_ = false;
  bool object_ = false;
  bool list_ = false;
  // Of numbers
  bool fraction_ = false;  ///< one with point or exponent
  bool negative_ = false;
  bool above_signed_ = false;    ///< one above 2^63 - 1
  bool above_unsigned_ = false;  ///< one beyond 64 bits
  bool large_ = false;           ///< one that a double does not keep
  bool beyond_ = false;          ///< one with point or exponent that no double holds
  int most_digits_ = 0;
  // Of texts: what all of them were so far
  bool dates_ = true;
  bool local_times_ = true;
  bool zoned_times_ = true;

 public:
  observation();
  ~observation();
  observation(observation&&) noexcept;
  observation& operator=(observation&&) noexcept;
};

/// Records from which columns are inferred.
class sample {
 public:
  /// `given`: the fields whose types are known already.
  explicit sample(std::unordered_set<std::string> given = {}) : given_(std::move(given)) {
    all_.given_fields_ = &given_;
  }
  sample(const sample&) = delete;
  sample& operator=(const sample&) = delete;
  /// Looks at the record at `at`, which ends in a newline; what is no object is left to the reader to complain about.
  void look(const char* at);
  [[nodiscard]] std::uint64_t records() const { return records_; }
  /// Lines that are no JSON objects, and the first of them.
  [[nodiscard]] std::uint64_t broken() const { return broken_; }
  [[nodiscard]] const std::string& first_broken() const { return first_broken_; }
  /// The columns, in the order in which the fields came first.
  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const;

 private:
  std::unordered_set<std::string> given_;
  observation all_;
  std::uint64_t records_ = 0;
  std::uint64_t broken_ = 0;
  std::string first_broken_;
};

}  // namespace sluice::ndjson
