#include "app/tests/compared_rows.hpp"

#include "actors/run/rejects_batch.hpp"
#include "app/text.hpp"
#include "engine/error/names.hpp"
#include "engine/expression/expression.hpp"
#include "engine/formats/csv/writer.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/api.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>

namespace sluice::app {

namespace {

/// One value a column; none: an expected row does not say it.
using row_texts = std::vector<std::optional<std::string>>;

bool fits(const row_texts& wanted, const row_texts& found) {
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (wanted[i] && wanted[i] != found[i]) return false;
  return true;
}

constexpr const char* null_text = "null";

bool holds_values(const arrow::DataType& type) { return arrow::is_nested(type.id()); }

/// The value as a column of this type shows it: 1.5 is 1.50 in a decimal(12,2).
std::string text_as(const config::node& value, const arrow::DataType& type) {
  if (value.is_null() || (value.is_scalar() && !value.quoted && (value.text == "null" || value.text == "~")))
    return null_text;
  if (holds_values(type) || !value.is_scalar()) {
    const auto parsed = options::try_parse(json_of(value));
    return parsed ? parsed->dump() : json_of(value);
  }
  std::string literal = "'";
  for (const char c : value.text) literal += c == '\'' ? std::string("''") : std::string(1, c);
  literal += "'::" + type_name(type);
  static const run_context context;
  diagnostics ignored;
  const auto bound = expression::bind(literal, {.inputs = {}, .context = &context, .unit = {}}, "", ignored);
  const auto constant =
      bound ? bound->constant() : result<std::shared_ptr<arrow::Scalar>>(user_error("invalid_cast", "no value"));
  if (!constant.ok()) return value.text;
  const auto array = arrow::MakeArrayFromScalar(**constant, 1);
  return array.ok() && !(*array)->IsNull(0) ? value_text(**array, 0) : value.text;
}

std::string found_text(const arrow::RecordBatch& batch, int column, std::int64_t row) {
  const auto& values = *batch.column(column);
  if (values.IsNull(row)) return null_text;
  if (!holds_values(*values.type())) return value_text(values, row);
  const auto parsed = options::try_parse(value_text(values, row));
  return parsed ? parsed->dump() : value_text(values, row);
}

std::size_t common(const row_texts& a, const row_texts& b) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) count += a[i] && a[i] == b[i] ? 1 : 0;
  return count;
}

/// Puts each missing row beside the found one that is most like it.
void pair_lines(std::vector<row_texts> missing, std::vector<row_texts> surplus, compared_rows& into) {
  const auto add = [&](char sign, row_texts row, const row_texts* other) {
    compared_rows::line made{.sign = sign, .values = {}, .differs = {}};
    for (std::size_t i = 0; i < row.size(); ++i)
      made.differs.push_back(other != nullptr && row[i] && (*other)[i] && row[i] != (*other)[i]);
    for (auto& value : row) made.values.push_back(value.value_or(""));
    into.lines.push_back(std::move(made));
  };
  for (auto& row : missing) {
    const auto best = std::max_element(surplus.begin(), surplus.end(),
                                       [&](const auto& a, const auto& b) { return common(row, a) < common(row, b); });
    if (best == surplus.end() || (common(row, *best) == 0 && row.size() > 1)) {
      add('-', std::move(row), nullptr);
      continue;
    }
    const auto other = *best;
    add('-', row, &other);
    add('+', other, &row);
    surplus.erase(best);
  }
  for (auto& row : surplus) add('+', std::move(row), nullptr);
}

/// Finds a row of its own for each expected one: by the same text where all say every column, else by augmenting paths,
/// because a row that says little may fit what another one needs.
void compare_as_bags(const std::vector<row_texts>& wanted, const std::vector<row_texts>& found, compared_rows& into) {
  std::vector<int> owner(found.size(), -1);
  std::vector<bool> placed(wanted.size(), false);
  std::multimap<row_texts, std::size_t> by_text;
  for (std::size_t i = 0; i < found.size(); ++i) by_text.emplace(found[i], i);
  std::vector<std::size_t> partial;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (std::any_of(wanted[i].begin(), wanted[i].end(), [](const auto& one) { return !one; })) {
      partial.push_back(i);
      continue;
    }
    const auto same = by_text.find(wanted[i]);
    if (same == by_text.end()) continue;
    owner[same->second] = static_cast<int>(i);
    placed[i] = true;
    by_text.erase(same);
  }
  std::vector<bool> tried;
  const std::function<bool(std::size_t)> place = [&](std::size_t row) {
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (tried[i] || !fits(wanted[row], found[i])) continue;
      tried[i] = true;
      if (owner[i] >= 0 && !place(static_cast<std::size_t>(owner[i]))) continue;
      owner[i] = static_cast<int>(row);
      return true;
    }
    return false;
  };
  for (const auto row : partial) {
    tried.assign(found.size(), false);
    placed[row] = place(row);
  }
  std::vector<row_texts> missing;
  std::vector<row_texts> surplus;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (!placed[i]) missing.push_back(wanted[i]);
  for (std::size_t i = 0; i < found.size(); ++i)
    if (owner[i] < 0) surplus.push_back(found[i]);
  into.equal = missing.empty() && surplus.empty();
  pair_lines(std::move(missing), std::move(surplus), into);
}

void compare_in_order(const std::vector<row_texts>& wanted, const std::vector<row_texts>& found, compared_rows& into) {
  into.equal = wanted.size() == found.size() && std::equal(wanted.begin(), wanted.end(), found.begin(), fits);
  if (into.equal) return;
  for (std::size_t i = 0; i < std::max(wanted.size(), found.size()); ++i) {
    if (i < wanted.size() && i < found.size() && fits(wanted[i], found[i])) {
      compared_rows::line same{.sign = ' ', .values = {}, .differs = std::vector<bool>(found[i].size())};
      for (const auto& value : found[i]) same.values.push_back(*value);
      into.lines.push_back(std::move(same));
      continue;
    }
    std::vector<row_texts> missing;
    std::vector<row_texts> surplus;
    if (i < wanted.size()) missing.push_back(wanted[i]);
    if (i < found.size()) surplus.push_back(found[i]);
    pair_lines(std::move(missing), std::move(surplus), into);
  }
}

}  // namespace

compared_rows compare_rows(const config::node& expected, const kept_rows& found, bool in_order) {
  compared_rows made;
  made.expected = expected.items.size();
  for (const auto& batch : found.batches) made.found += static_cast<std::size_t>(batch->num_rows());
  std::vector<int> places;
  for (const auto& row : expected.items)
    for (const auto& [key, value] : row.entries) {
      if (std::find(made.columns.begin(), made.columns.end(), key.text) != made.columns.end()) continue;
      const auto place = found.schema->GetFieldIndex(key.text);
      if (place < 0) {
        const auto near = nearest_name(key.text, found.schema->field_names());
        made.problem =
            "it has no column " + key.text +
            (near.empty() ? "; its columns: " + joined(found.schema->field_names()) : "; did you mean " + near + "?");
        return made;
      }
      made.columns.push_back(key.text);
      places.push_back(place);
    }
  // Rows without any expectation are shown whole.
  if (made.columns.empty() && made.expected == 0) {
    made.columns = found.schema->field_names();
    for (int i = 0; i < found.schema->num_fields(); ++i) places.push_back(i);
  }
  std::vector<row_texts> wanted;
  for (const auto& row : expected.items) {
    row_texts texts;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const auto* value = row.find(made.columns[i]);
      texts.push_back(value == nullptr ? std::optional<std::string>()
                                       : text_as(*value, *found.schema->field(places[i])->type()));
    }
    wanted.push_back(std::move(texts));
  }
  std::vector<row_texts> rows;
  for (const auto& batch : found.batches)
    for (std::int64_t row = 0; row < batch->num_rows(); ++row) {
      row_texts texts;
      for (const int place : places) texts.push_back(found_text(*batch, place, row));
      rows.push_back(std::move(texts));
    }
  if (in_order)
    compare_in_order(wanted, rows, made);
  else
    compare_as_bags(wanted, rows, made);
  return made;
}

std::string rows_as_csv(const kept_rows& rows) {
  csv::writer writer({}, rows.schema);
  writer.write_header();
  for (const auto& batch : rows.batches) writer.write(*batch);
  return {reinterpret_cast<const char*>(writer.data()), static_cast<std::size_t>(writer.size())};
}

}  // namespace sluice::app
