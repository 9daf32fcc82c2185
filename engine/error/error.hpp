#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace arrow {
class Status;
}

namespace sluice {

/// Who has to act on an error: supervisors look only at this and at `retry`.
enum class blame : std::uint8_t {
  user,      ///< the pipeline, its arguments or its input data
  external,  ///< a disk, a network, a database
  internal,  ///< Sluice itself
};

/// Names a place in a text file, both counts from 1; line 0 means unknown.
struct location {
  std::string file;
  int line = 0;
  int column = 0;
};

/// Says what went wrong, where, and what to do about it.
///
/// `code` is stable, lower_snake_case, and listed in error_codes.cpp. `message` says what was expected and what was
/// found; `hint` says what to do. A component, which knows nothing of files, points into its own options: `path` is a
/// JSON pointer relative to the unit ("/derive/net"), `offset` a byte offset inside the text found there; config turns
/// both into `at`.
struct error {
  std::string code;
  blame to_blame = blame::internal;
  bool retry = false;
  std::string message;
  std::string hint = {};
  std::string where = {};  ///< "unit paid", a file or a row position in words
  std::string path = {};
  std::optional<std::size_t> offset = {};
  location at = {};

  /// Renders `error[code] file:line:column: unit paid: message` and the hint on a second line.
  [[nodiscard]] std::string to_string() const;
};

/// Makes an error of the user's (pipeline, arguments, data).
error user_error(std::string code, std::string message, std::string hint = {});
/// Makes an error of the outside world; `retry` says whether trying again can help.
error external_error(std::string code, std::string message, std::string hint = {}, bool retry = false);
/// Makes an error that is a defect of Sluice.
error internal_error(std::string code, std::string message);
/// Turns an Arrow status into an error, `doing` being what was tried ("write Parquet column amount").
error from_arrow(const arrow::Status& status, const std::string& doing);
/// Turns errno into an external error with a hint where there is a well-known one (ENOSPC, EACCES, ENOENT).
error from_errno(int number, const std::string& doing);

/// Holds a value or the error that took its place.
template <class T>
class [[nodiscard]] result {
 public:
  using value_type = T;

  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  result(error problem) : state_(std::in_place_index<1>, std::move(problem)) {}

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const error& problem() const& { return std::get<1>(state_); }
  error&& problem() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, error> state_;
};

/// Success, or an error: the result of something that yields no value.
class [[nodiscard]] status {
 public:
  status() = default;
  status(error problem) : error_(std::move(problem)) {}

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const error& problem() const& { return *error_; }
  error&& problem() && { return std::move(*error_); }

 private:
  std::optional<error> error_;
};

/// Collects all faults of a pipeline, so that they are reported together.
using diagnostics = std::vector<error>;

}  // namespace sluice

/// Returns the error of `expression` (a status or result) from the calling function, if it has one.
#define SLUICE_TRY(expression)                                                                       \
  do {                                                                                               \
    if (auto sluice_try_ = (expression); !sluice_try_.ok()) return std::move(sluice_try_).problem(); \
  } while (false)

#define SLUICE_CONCAT_(a, b) a##b
#define SLUICE_CONCAT(a, b) SLUICE_CONCAT_(a, b)
#define SLUICE_ASSIGN_(temporary, target, expression)         \
  auto temporary = (expression);                              \
  if (!temporary.ok()) return std::move(temporary).problem(); \
  target = std::move(temporary).value()

/// Binds the value of a result to `target` ("auto x"), or returns its error from the calling function.
#define SLUICE_ASSIGN(target, expression) SLUICE_ASSIGN_(SLUICE_CONCAT(sluice_result_, __LINE__), target, expression)

/// The same two for Arrow's Status and Result; `doing` says what was tried.
#define SLUICE_TRY_ARROW(expression, doing)                                       \
  do {                                                                            \
    if (const auto& sluice_try_ = (expression); !sluice_try_.ok())                \
      return ::sluice::from_arrow(::sluice::arrow_status_of(sluice_try_), doing); \
  } while (false)
#define SLUICE_ASSIGN_ARROW_(temporary, target, expression, doing)             \
  auto temporary = (expression);                                               \
  if (!temporary.ok()) return ::sluice::from_arrow(temporary.status(), doing); \
  target = std::move(temporary).ValueUnsafe()
#define SLUICE_ASSIGN_ARROW(target, expression, doing) \
  SLUICE_ASSIGN_ARROW_(SLUICE_CONCAT(sluice_result_, __LINE__), target, expression, doing)

namespace sluice {
/// Lets SLUICE_TRY_ARROW take both an arrow::Status and an arrow::Result.
inline const arrow::Status& arrow_status_of(const arrow::Status& value) { return value; }
template <class Result>
auto arrow_status_of(const Result& value) -> decltype(value.status()) {
  return value.status();
}
}  // namespace sluice
