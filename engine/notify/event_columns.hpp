#pragma once

#include "engine/error/error.hpp"
#include "engine/store/store.hpp"

#include <arrow/type_fwd.h>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice::notify {

/// Events as columns that conditions are evaluated over: first those of every event (type, severity, pipeline, owner,
/// tags, unit, attempt, final), then one for each value that events may have. A column is made when the first condition
/// reads it, and is shared by all that follow. Not thread-safe.
class event_columns {
 public:
  /// `events` has to live as long.
  explicit event_columns(const std::vector<store::event>& events) : events_(events) {}

  [[nodiscard]] const std::vector<store::event>& events() const { return events_; }
  [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(events_.size()); }
  result<std::shared_ptr<arrow::Array>> column(int number);
  /// The same type, all null: for a condition that does not read it.
  result<std::shared_ptr<arrow::Array>> nothing(int number);
  /// Rows in which a column of texts or of bigint has a value, given as text; ascending.
  result<const std::vector<std::size_t>*> rows_with(int number, const std::string& value);

  /// The columns of every event, and those of their values.
  static const std::shared_ptr<arrow::Schema>& base();
  static const std::shared_ptr<arrow::Schema>& data();

 private:
  using rows_by_value = std::unordered_map<std::string, std::vector<std::size_t>>;

  result<std::shared_ptr<arrow::Array>> make(int number) const;

  const std::vector<store::event>& events_;
  std::map<int, std::shared_ptr<arrow::Array>> made_;
  std::map<int, std::shared_ptr<arrow::Array>> nothing_;
  std::map<int, rows_by_value> indexes_;
};

/// A value as the text that columns are made of; nullopt for null.
std::optional<std::string> text_of(const options& value);
/// One column from texts: cast as the language's `params:` are read. What does not fit is null.
result<std::shared_ptr<arrow::Array>> column_of(const std::vector<std::optional<std::string>>& texts,
                                                const std::shared_ptr<arrow::DataType>& type);

/// Which try of a run an event belongs to, and whether no other one follows.
[[nodiscard]] std::int64_t attempt_of(const store::event& what);
[[nodiscard]] bool is_last_attempt(const store::event& what);

}  // namespace sluice::notify
