#pragma once

#include "engine/expression/functions/support.hpp"

#include <arrow/builder.h>

#include <optional>
#include <string_view>
#include <vector>

namespace sluice::expression {

/// Builds a column of text[]: `work(row, elements)` gives the elements of each row whose arguments are there, and false
/// where the list is null.
template <class Work>
result<array_ptr> build_text_lists(call& c, Work&& work) {
  auto texts = std::make_shared<arrow::StringBuilder>();
  arrow::ListBuilder out(arrow::default_memory_pool(), texts, c.type);
  std::vector<std::optional<std::string_view>> elements;
  std::int64_t done = 0;
  arrow::Status good;
  for_valid(all_valid(c.args, c.rows), c.rows, [&](std::int64_t row) {
    if (good.ok() && row > done) good = out.AppendNulls(row - done);
    done = row + 1;
    elements.clear();
    const bool there = work(row, elements);
    if (good.ok()) good = there ? out.Append() : out.AppendNull();
    if (!there) return;
    for (const auto& each : elements)
      if (good.ok()) good = each ? texts->Append(*each) : texts->AppendNull();
  });
  if (good.ok()) good = out.AppendNulls(c.rows - done);
  SLUICE_TRY_ARROW(good, "make lists");
  SLUICE_ASSIGN_ARROW(const auto made, out.Finish(), "make lists");
  // The builder knows texts; the elements may be JSON.
  auto data = made->data()->Copy();
  data->child_data[0] = data->child_data[0]->Copy();
  data->child_data[0]->type = c.type->field(0)->type();
  data->type = c.type;
  return arrow::MakeArray(std::move(data));
}

/// substring(x from pattern).
node_ptr bind_substring_of_pattern(binder& b, const call_site& site);

}  // namespace sluice::expression
