#pragma once

#include "engine/error/error.hpp"
#include "engine/error/row_errors.hpp"
#include "engine/expression/bits.hpp"
#include "engine/values/batch.hpp"

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::expression {

using type_ptr = std::shared_ptr<arrow::DataType>;
using array_ptr = std::shared_ptr<arrow::Array>;
using buffer_ptr = std::shared_ptr<arrow::Buffer>;

/// What an expression takes from its run, copied when it is bound.
struct settings {
  std::int64_t now_microseconds = 0;
  std::uint64_t seed = 0;  ///< of the run and the unit
  std::string timezone = "UTC";
};

/// The rows whose errors count: those of the branch that is taken. Without bits: all.
struct mask {
  buffer_ptr bits = nullptr;
  [[nodiscard]] bool has(std::int64_t row) const;
};

/// A value for every row, or one value for all of them.
struct operand {
  array_ptr array;  ///< as long as the frame; of length 1 where `constant`
  bool constant = false;
  [[nodiscard]] bool constant_null() const;
};

class node;
using node_ptr = std::shared_ptr<const node>;

/// One evaluation over one batch: what the nodes share while it lasts.
class frame {
 public:
  frame(const batch* of, std::int64_t count, const settings& from) : rows(of), length(count), run(from) {}

  const batch* rows;  ///< null where no column is read
  std::int64_t length;
  const settings& run;
  row_errors errors = {};                                    ///< in order of evaluation, a row may stand in it twice
  std::vector<std::pair<const node*, operand>> shared = {};  ///< values that are used twice

  void fail(std::int64_t row, const char* code, std::string message) {
    errors.push_back({.row = row, .code = code, .column = {}, .message = std::move(message)});
  }
};

/// A typed, immutable expression: what the binder builds and the frame runs.
class node {
 public:
  node(type_ptr result, std::vector<node_ptr> from) : type(std::move(result)), inputs(std::move(from)) {}
  virtual ~node() = default;
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  /// Evaluates for all rows; errors of rows outside of `active` are not counted, and what those rows hold is undefined.
  virtual result<operand> evaluate(frame& in, const mask& active) const = 0;
  /// Appends the canonical text; `nested` asks for parentheses around operators.
  virtual void print(std::string& out, bool nested) const = 0;
  /// True where two evaluations differ by more than their inputs (random).
  [[nodiscard]] virtual bool is_volatile() const { return false; }

  const type_ptr type;
  const std::vector<node_ptr> inputs;
};

/// A value known when the expression is bound.
class constant_node final : public node {
 public:
  /// `row` has one row; `is_untyped` marks a bare 'text' that takes the type of what it meets.
  explicit constant_node(array_ptr row, bool is_untyped = false);
  result<operand> evaluate(frame& in, const mask& active) const override;
  void print(std::string& out, bool nested) const override;
  [[nodiscard]] bool is_null() const;

  const array_ptr value;
  const bool untyped;
};

/// A column of the batch.
class column_node final : public node {
 public:
  /// `result` is the language's type for the column's own; they differ for foreign columns such as int8.
  column_node(int place, std::string written, type_ptr result, bool is_foreign);
  result<operand> evaluate(frame& in, const mask& active) const override;
  void print(std::string& out, bool nested) const override;

  const int index;
  const std::string name;
  const bool foreign;
};

/// What a kernel works on.
struct call {
  const node& of;
  const type_ptr& type;  ///< of the result
  std::vector<operand> args;
  std::int64_t rows;  ///< length of the result
  const mask& active;
  frame& in;
  const void* state;  ///< call_node::state
};
using kernel = result<array_ptr> (*)(call& c);

enum class notation { function, infix, prefix, suffix, index, slice, list, cast };

/// A function or operator whose arguments are all evaluated first.
class call_node final : public node {
 public:
  struct options {
    notation form = notation::function;
    bool null_in_null_out = true;  ///< a null argument makes the result null: constants of null skip the kernel
    bool is_volatile = false;
    std::shared_ptr<const void> state = nullptr;  ///< prepared when bound: a regular expression, a set
  };
  call_node(std::string called, type_ptr result, std::vector<node_ptr> from, kernel run, options how);
  result<operand> evaluate(frame& in, const mask& active) const override;
  void print(std::string& out, bool nested) const override;
  [[nodiscard]] bool is_volatile() const override { return how_.is_volatile; }

  const std::string name;

 private:
  kernel run_;
  options how_;
};

/// Evaluates its input once a frame, for expressions that use a value twice (between, case x when).
class shared_node final : public node {
 public:
  explicit shared_node(const node_ptr& inner) : node(inner->type, {inner}) {}
  result<operand> evaluate(frame& in, const mask& active) const override;
  void print(std::string& out, bool nested) const override;
};

/// The node as a constant, or null.
const constant_node* as_constant(const node_ptr& of);
/// The text of a node.
std::string text_of(const node& of);
/// A constant null of a type.
node_ptr null_constant(const type_ptr& type);

}  // namespace sluice::expression
