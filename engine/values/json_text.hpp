#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// JSON as text (RFC 8259). All functions but `valid` take what `valid` has found good, without white space around; the
/// views that they give point into it.
namespace sluice::json {

enum class kind { object, list, text, number, boolean, null };

/// Whether the text is one JSON value with nothing but white space around it, at most 1000 levels deep.
bool valid(std::string_view text);
/// Without the white space around it.
std::string_view trimmed(std::string_view text);
kind kind_of(std::string_view value);
/// The name that json_typeof has for it.
std::string_view name_of(kind of);

/// Goes through the members of an object or the elements of a list.
class members {
 public:
  explicit members(std::string_view container);
  /// Takes the next one; false at the end.
  bool next();
  [[nodiscard]] std::string_view key() const { return key_; }  ///< as it is written, with its quotes
  [[nodiscard]] std::string_view value() const { return value_; }

 private:
  const char* at_;
  const char* end_;
  bool object_;
  std::string_view key_;
  std::string_view value_;
};

/// The value of a member, of several of the name the last one; false where there is none.
bool find_member(std::string_view object, std::string_view name, std::string_view& out);
/// The element of a list, from 0, or with a negative index from the end; false where there is none.
bool find_element(std::string_view list, std::int64_t index, std::string_view& out);
std::int64_t count_of(std::string_view container);
/// Whether a key or text, as it is written, means `wanted`.
bool means(std::string_view written, std::string_view wanted);
/// Appends what a text, as it is written, means.
void append_meaning(std::string& out, std::string_view written);
/// Appends the form in which PostgreSQL's jsonb is written: keys ordered by length, then bytes, the last of those that
/// come twice; a blank behind colon and comma; numbers without exponent.
void append_normal(std::string& out, std::string_view value);
/// Appends a number without exponent, as `numeric` writes it.
void append_plain_number(std::string& out, std::string_view number);
/// Whether all of `part` is in `whole`, as jsonb's @> has it.
bool contains(std::string_view whole, std::string_view part);

}  // namespace sluice::json
