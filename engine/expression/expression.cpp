#include "engine/expression/expression.hpp"

#include "engine/expression/bind/binder.hpp"
#include "engine/expression/bind/typing.hpp"
#include "engine/expression/columns.hpp"
#include "engine/expression/evaluate_where.hpp"
#include "engine/expression/parse/parser.hpp"
#include "engine/values/arrow_functions.hpp"
#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/compute/api.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <algorithm>
#include <unordered_set>

namespace sluice::expression {

namespace {

// Nodes may be reached by many ways (shared_node): each is visited once.
void gather_columns(const node& of, std::unordered_set<const node*>& visited, std::vector<int>& columns) {
  if (!visited.insert(&of).second) return;
  if (const auto* column = dynamic_cast<const column_node*>(&of)) columns.push_back(column->index);
  for (const auto& input : of.inputs) gather_columns(*input, visited, columns);
}

bool same_row(const row_error& a, const row_error& b) { return a.row == b.row; }

// The first error of each row, by row.
void settle_errors(row_errors& errors) {
  std::stable_sort(errors.begin(), errors.end(), [](const auto& a, const auto& b) { return a.row < b.row; });
  errors.erase(std::unique(errors.begin(), errors.end(), same_row), errors.end());
}

// coalesce(1 / 0, 5) must not turn an error into a value.
result<array_ptr> null_where_wrong(array_ptr values, const row_errors& errors) {
  if (values->offset() != 0) {
    SLUICE_ASSIGN_ARROW(values, arrow::Concatenate({values}), "copy a column");
  }
  std::vector<std::int64_t> failed;
  for (const auto& each : errors)
    if (values->IsValid(each.row)) failed.push_back(each.row);
  if (failed.empty()) return values;
  auto data = values->data()->Copy();
  data->buffers[0] = without_rows(validity_of(*values), failed, values->length());
  data->null_count = arrow::kUnknownNullCount;
  return arrow::MakeArray(std::move(data));
}

class bound_node final : public bound {
 public:
  bound_node(node_ptr root, std::shared_ptr<const settings> run) : root_(std::move(root)), run_(std::move(run)) {
    std::unordered_set<const node*> visited;
    gather_columns(*root_, visited, columns_);
    std::sort(columns_.begin(), columns_.end());
    columns_.erase(std::unique(columns_.begin(), columns_.end()), columns_.end());
  }

  [[nodiscard]] type_ptr type() const override { return root_->type; }
  [[nodiscard]] const std::vector<int>& columns() const override { return columns_; }
  [[nodiscard]] std::optional<int> as_column() const override {
    const auto* column = dynamic_cast<const column_node*>(root_.get());
    return column != nullptr && !column->foreign ? std::optional(column->index) : std::nullopt;
  }

  [[nodiscard]] result<evaluated> evaluate(const batch& rows) const override { return evaluate_where(rows, nullptr); }

  [[nodiscard]] result<evaluated> evaluate_where(const batch& rows, const buffer_ptr& counting) const {
    try {
      return run(&rows, rows.data->num_rows(), {counting});
    } catch (const std::bad_alloc&) {
      return external_error("out_of_memory", "cannot evaluate " + to_string() + ": no memory",
                            "raise run.memory or free memory");
    }
  }

  [[nodiscard]] result<std::shared_ptr<arrow::Scalar>> constant() const override {
    SLUICE_ASSIGN(const auto value, run(nullptr, 1, {}));
    if (!value.errors.empty()) return user_error(value.errors[0].code, value.errors[0].message);
    SLUICE_ASSIGN_ARROW(auto scalar, value.values->GetScalar(0), "read a constant");
    return scalar;
  }

  [[nodiscard]] std::string to_string() const override { return text_of(*root_); }

  [[nodiscard]] const node_ptr& root() const { return root_; }
  [[nodiscard]] const std::shared_ptr<const settings>& run_settings() const { return run_; }

 private:
  result<evaluated> run(const batch* rows, std::int64_t length, const mask& counting) const {
    if (length == 0) {
      SLUICE_ASSIGN_ARROW(auto none, arrow::MakeEmptyArray(root_->type), "make an empty column");
      return evaluated{std::move(none), {}};
    }
    frame in(rows, length, *run_);
    SLUICE_ASSIGN(auto value, root_->evaluate(in, counting));
    SLUICE_ASSIGN(auto values, as_array(value, length));
    if (in.errors.empty()) return evaluated{std::move(values), {}};
    settle_errors(in.errors);
    SLUICE_ASSIGN(values, null_where_wrong(std::move(values), in.errors));
    return evaluated{std::move(values), std::move(in.errors)};
  }

  node_ptr root_;
  std::shared_ptr<const settings> run_;
  std::vector<int> columns_;
};

node_ptr bind_root(std::string_view text, binder& b, const std::string& path, diagnostics& faults) {
  if (!ensure_arrow_functions().ok())
    return b.fault(0, "internal_error", "Arrow's compute functions could not be set up");
  const auto tree = parse(text, path, faults);
  return tree ? b.settle({b.bind(*tree), tree->begin}) : nullptr;
}

}  // namespace

bound_ptr make_bound(node_ptr root, std::shared_ptr<const settings> run) {
  return std::make_shared<bound_node>(std::move(root), std::move(run));
}

node_ptr node_of(const bound_ptr& of) { return static_cast<const bound_node&>(*of).root(); }

result<evaluated> evaluate_where(const bound& what, const batch& rows, const buffer_ptr& counting) {
  return static_cast<const bound_node&>(what).evaluate_where(rows, counting);
}

bound_ptr bind(std::string_view text, const scope& names, const std::string& path, diagnostics& faults) {
  const auto before = faults.size();
  binder b(names, path, faults);
  auto root = bind_root(text, b, path, faults);
  return root && faults.size() == before ? make_bound(std::move(root), b.run_settings()) : nullptr;
}

bound_ptr bind_condition(std::string_view text, const scope& names, const std::string& path, diagnostics& faults) {
  const auto made = bind(text, names, path, faults);
  if (!made) return nullptr;
  if (made->type()->id() == arrow::Type::BOOL) {
    const auto& whole = static_cast<const bound_node&>(*made);
    return make_bound(make_condition(whole.root()), whole.run_settings());
  }
  faults.push_back([&] {
    auto problem = user_error("type_mismatch", "expected a condition, found " + type_name(*made->type()),
                              "write a comparison, as in amount > 0");
    problem.path = path;
    problem.offset = 0;
    return problem;
  }());
  return nullptr;
}

bound_ptr cast(bound_ptr inner, const std::shared_ptr<arrow::DataType>& type, const scope& names) {
  if (!ensure_arrow_functions().ok()) return nullptr;
  diagnostics faults;
  const std::string path;
  binder b(names, path, faults);
  auto root = b.cast({node_of(inner), 0}, type);
  return root ? make_bound(std::move(root), b.run_settings()) : nullptr;
}

}  // namespace sluice::expression
