#pragma once

#include "engine/expression/expression.hpp"
#include "engine/expression/kernels/kernels.hpp"
#include "engine/expression/node.hpp"
#include "engine/expression/parse/syntax.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluice::expression {

/// A typed part of an expression and where it stands in the text.
struct argument {
  node_ptr value;
  std::size_t at = 0;
};

/// Turns syntax into typed nodes. A function that can't gives null and has added at least one fault; the others of the
/// same expression are found all the same.
class binder {
 public:
  /// Finds what a column's name means; empty where a fault was added.
  using resolver = std::function<node_ptr(const syntax& column)>;

  binder(const scope& names, const std::string& path, diagnostics& faults);

  node_ptr bind(const syntax& of);
  /// Replaces the meaning of columns: aggregates bind what stands over them in a scope of their own.
  void resolve_with(resolver how) { resolver_ = std::move(how); }
  /// Called for the calls of aggregates; without it they are refused.
  void aggregate_with(resolver how) { aggregates_ = std::move(how); }
  /// Called for calls with OVER; without it they are refused.
  void window_with(resolver how) { windows_ = std::move(how); }

  [[nodiscard]] std::shared_ptr<const settings> run_settings() const { return settings_; }
  [[nodiscard]] const scope& names() const { return names_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] diagnostics& faults() { return faults_; }

  // --- for operators and functions ---------------------------------------------------------------------------------
  /// Adds a fault and gives null.
  node_ptr fault(std::size_t at, std::string code, std::string message, std::string hint = {});
  /// Makes a call, computed at once where all of its arguments are constants and no error comes of it.
  node_ptr call(std::string name, type_ptr type, std::vector<node_ptr> inputs, kernel with,
                call_node::options how = {});
  /// Evaluates a node without columns; null where that gives a row error.
  node_ptr fold(node_ptr of);

  /// As `x::type`: an untyped text is read at once, and its fault is the user's.
  node_ptr cast(const argument& from, const type_ptr& to);
  /// As an argument of a function or operator that takes `to`: only where nothing can be lost.
  node_ptr coerce(const argument& from, const type_ptr& to, const std::string& what);
  /// What stands beside a value of type `to`: as cast, but an untyped text beside a decimal keeps its own digits, as
  /// the number would: '1.005' is not 1.01.
  node_ptr meet(const argument& from, const type_ptr& to);
  /// Gives an untyped text or null the type text.
  node_ptr settle(const argument& from);
  /// Brings values to their common type; `what` names the construct in the fault. Empty where there is none.
  type_ptr unify(std::vector<argument>& values, const std::string& what);
  /// Binds the operator of two typed sides.
  node_ptr arithmetic_of(arithmetic op, argument left, argument right, std::size_t at);
  node_ptr compare(comparison op, argument left, argument right, std::size_t at);
  /// A number for volatile calls, different for each in the expression.
  std::uint64_t next_ordinal() { return ordinal_++; }

 private:
  node_ptr bind_literal(const syntax& of);
  node_ptr bind_number(const std::string& text, std::size_t at);
  node_ptr bind_parameter(const syntax& of);
  node_ptr bind_column(const syntax& of);
  node_ptr bind_unary(const syntax& of);
  node_ptr bind_binary(const syntax& of);
  node_ptr bind_junction(const syntax& of);
  node_ptr junction(bool is_and, node_ptr left, node_ptr right);
  node_ptr bind_test(const syntax& of);
  node_ptr bind_between(const syntax& of);
  node_ptr bind_in(const syntax& of);
  node_ptr bind_like(const syntax& of);
  node_ptr bind_branches(const syntax& of);
  node_ptr bind_cast(const syntax& of);
  node_ptr bind_call(const syntax& of);
  node_ptr bind_field(const syntax& of);
  node_ptr bind_element(const syntax& of);
  node_ptr bind_list(const syntax& of);
  node_ptr bind_quantified(const syntax& of);
  node_ptr bind_slice(const syntax& of);
  node_ptr condition(const syntax& of, const std::string& what);
  node_ptr is_distinct(argument left, argument right, bool negated, std::size_t at);
  node_ptr read_literal(const constant_node& literal, const type_ptr& to, std::size_t at);
  node_ptr field_of(const node_ptr& value, const std::string& name, std::size_t at);
  node_ptr number_arithmetic(arithmetic op, argument left, argument right, std::size_t at);
  node_ptr temporal_arithmetic(arithmetic op, argument left, argument right, std::size_t at);
  node_ptr narrow_decimal(const node_ptr& of);
  node_ptr narrow_constant(const argument& constant, const argument& column);
  node_ptr no_operator(const std::string& op, const argument& left, const argument& right, std::size_t at);
  bool align(argument& left, argument& right);
  bool place_named(const syntax& of, const std::vector<std::string>& names, std::vector<argument>& args);
  std::vector<argument> bind_all(const std::vector<syntax_ptr>& parts, bool& good);

  const scope& names_;
  const std::string& path_;
  diagnostics& faults_;
  std::shared_ptr<const settings> settings_;
  resolver resolver_;
  resolver aggregates_;
  resolver windows_;
  std::uint64_t ordinal_ = 0;
};

/// Where a column's name leads, over all inputs of the scope.
struct column_place {
  int index = 0;
  std::shared_ptr<arrow::Field> field;
};
/// Resolves a name, perhaps qualified; the fault is unknown_column, ambiguous_column or unknown_unit.
std::optional<column_place> find_column(const std::string& qualifier, const std::string& name, const scope& names,
                                        const std::string& path, std::size_t at, diagnostics& faults,
                                        bool quoted = false);
/// The node that reads it.
node_ptr make_column(const column_place& place, const std::string& path, std::size_t at, diagnostics& faults);

/// Makes the API's object around a node.
bound_ptr make_bound(node_ptr root, std::shared_ptr<const settings> run);
/// The node inside it.
node_ptr node_of(const bound_ptr& of);

}  // namespace sluice::expression
