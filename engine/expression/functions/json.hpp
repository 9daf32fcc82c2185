#pragma once

#include "engine/expression/functions/support.hpp"
#include "engine/values/json_text.hpp"
#include "engine/values/marked_text.hpp"

#include <string>
#include <vector>

namespace sluice::expression {

// What functions of JSON have in common.

inline bool is_json(const node_ptr& of) { return is_json_type(*of->type); }
/// Whether an argument is JSON.
inline bool takes_json(const call_site& site) {
  for (const auto& arg : site.args)
    if (is_json(arg.value)) return true;
  return false;
}

/// What a row of a function of JSON gives.
enum class given { value, null, failed };

/// Builds a column of texts or JSON: `work(row, out)` appends the value of each row whose arguments are all there, and
/// says what it gave; of a failed row it has added the failure.
template <class Work>
result<array_ptr> build_json(call& c, Work&& work) {
  const auto valid = all_valid(c.args, c.rows);
  std::vector<std::int64_t> none;
  std::string text;
  SLUICE_ASSIGN(auto built, build_texts(c.type, c.rows, valid, [&](std::int64_t row, text_builder& out) {
                  text.clear();
                  if (work(row, text) == given::value)
                    out.append(text);
                  else
                    none.push_back(row);
                }));
  if (none.empty()) return built;
  auto data = built->data()->Copy();
  data->buffers[0] = without_rows(valid, none, c.rows);
  data->null_count = arrow::kUnknownNullCount;
  return arrow::MakeArray(std::move(data));
}

/// Adds the failure of a row.
inline given fail_row(call& c, std::int64_t row, const char* code, std::string message) {
  if (c.active.has(row)) c.in.fail(row, code, std::move(message));
  return given::failed;
}

/// Appends a value of any type as to_json writes it.
void append_as_json(std::string& out, const arrow::DataType& type, const arrow::Array& values, std::int64_t row);

/// JSON in the form of jsonb.
node_ptr make_normal_json(binder& b, node_ptr value);
/// An argument as JSON: what is JSON, and untyped texts.
node_ptr json_argument(binder& b, const call_site& site, std::size_t index);
/// json @> json, or with its sides swapped.
node_ptr bind_json_contains(binder& b, const call_site& site, bool swapped);
/// json || json; null where no side is JSON.
node_ptr bind_json_join(binder& b, const call_site& site);

}  // namespace sluice::expression
