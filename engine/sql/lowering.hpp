#pragma once

#include "engine/sql/lower.hpp"
#include "engine/sql/relation.hpp"
#include "engine/sql/statement.hpp"
#include "engine/sql/tree.hpp"

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sluice::sql {

/// Which names an expression sees: those of its query, and those of the query around it.
struct names {
  const std::vector<column>* columns = nullptr;
  const names* outer = nullptr;
};

/// What takes the place of some bytes of the statement.
struct replacement {
  extent where;
  std::string text;
};
using replacements = std::vector<replacement>;

/// A name found: how much of it is the table's, and how far out.
struct found_name {
  const column* what = nullptr;
  std::size_t parts = 1;  ///< of the written name that stand for the column
  int level = 0;          ///< 0: of the query itself
};

/// One statement on its way into units.
class lowering {
 public:
  lowering(const unit_definition& unit, const statement& what, const std::vector<input_port>& inputs,
           const options& files, diagnostics& faults)
      : unit_(unit), what_(what), inputs_(inputs), files_(files), faults_(faults) {}

  std::optional<lowered> run();

 private:
  using node = expression::syntax;
  /// A table of WITH. It is lowered where it is named first.
  struct common_rows {
    const common_table* what = nullptr;
    std::vector<std::shared_ptr<common_rows>> known;  ///< that it may name
    std::optional<relation> rows;
  };
  using common_tables = std::vector<std::shared_ptr<common_rows>>;

  // --- faults (names.cpp)
  bool fault(std::size_t offset, std::string code, std::string message, std::string hint = {});
  [[nodiscard]] bool failed() const { return failed_; }

  // --- units (units.cpp)
  std::string fresh_unit(const std::string& hint);
  std::string fresh_column(const std::string& hint);
  /// Makes the relation's operations a unit, where it has any.
  void settle(relation& of, const std::string& hint);
  std::string add_unit(const std::string& name, std::vector<std::string> from, std::vector<operation> operations);
  void add(relation& to, std::string name, options own, std::string path, mapped_text text);
  void filter(relation& to, mapped_text test);
  void derive(relation& to, const std::string& name, mapped_text value);
  void rename(relation& to, const std::map<std::string, std::string>& names);
  /// Gives the right one's columns names that the left one does not have.
  void set_apart(const relation& left, relation& right, const std::string& hint);
  /// The columns of the right follow those of the left, unless only the left's come out.
  relation join(relation left, relation right, const std::string& how, mapped_text on, const std::string& hint);

  // --- names (names.cpp)
  std::optional<found_name> find(const node& name, const names& in, bool report);
  std::optional<found_name> find_here(const node& name, const std::vector<column>& in, bool report);
  /// The text of an expression with physical names; `known` are put in, what they hold is not looked at.
  mapped_text text_of(const clause& of, const names& in, const replacements& known = {});
  mapped_text text_of(const node& of, const names& in, const replacements& known = {});
  void replace_names(const node& of, const names& in, const replacements& known, replacements& into);
  mapped_text with(extent where, replacements what);
  /// Two expressions with the same text mean the same.
  std::string canonical(const node& of, const names& in);
  [[nodiscard]] std::size_t token_at(std::size_t begin) const;

  // --- queries (queries.cpp)
  std::optional<relation> lower_query(const query& of, const common_tables& known, const names* outer);
  std::optional<relation> lower_set(const query& of, const common_tables& known, const names* outer);
  bool sort_set(const query& of, relation& rows);
  void cut(relation& rows, std::optional<std::int64_t> limit, std::int64_t offset);
  bool name_columns(relation& rows, const std::vector<std::string>& given, std::size_t begin);
  void call_table(relation& rows, const std::string& alias);
  void only(relation& rows);

  // --- from (from.cpp)
  struct leaf {
    relation rows;
    bool may_lack = false;  ///< an outer join fills it with nulls
  };
  struct condition {
    const node* tree;
    std::set<std::size_t> leaves;
    bool known = false;  ///< all its names were found in the leaves
    bool used = false;
  };
  std::optional<relation> lower_from(const select_core& of, const common_tables& known, std::vector<condition>& where);
  relation combine(std::vector<std::pair<relation, std::set<std::size_t>>> items, std::vector<condition>& where);
  bool add_leaves(const table_ref& of, const common_tables& known, bool may_lack, std::vector<leaf>& into);
  std::optional<relation> table(const table_ref& of, const common_tables& known);
  std::optional<relation> join_tree(const table_ref& of, std::vector<leaf>& leaves, std::size_t& next);
  std::optional<relation> join_using(const table_ref& of, relation left, relation right);
  void place_conditions(std::vector<condition>& where, std::vector<leaf>& leaves);

  // --- where and subqueries (where.cpp, values.cpp)
  /// The rows of FROM that WHERE keeps. What it says of the query around it is put into `outside`, where there is one.
  std::optional<relation> lower_rows(const select_core& of, const common_tables& known, const names* outer,
                                     std::vector<const node*>* outside);
  bool keep_matching(relation& rows, const node& test, bool negated, const common_tables& known, const names* outer);
  bool keep_existing(relation& rows, relation inner, const std::vector<const node*>& outside, bool negated);
  bool keep_listed(relation& rows, const node& test, relation list, const std::vector<const node*>& outside,
                   bool negated);
  std::optional<relation> list_of(const query& of, const common_tables& known, const names& here,
                                  std::vector<const node*>& outside, std::size_t begin);
  mapped_text conditions_over(const relation& rows, const relation& inner, const std::vector<const node*>& outside);
  bool mentions_outside(const node& of, const std::vector<column>& here, const names* outer);

  /// Expressions that hold subqueries as values: the names that these see around them, and their text.
  struct surroundings {
    names here;
    std::function<mapped_text(const node&)> text;
  };
  /// Joins the values of the subqueries in an expression to the rows.
  bool attach_values(relation& rows, const node& of, const common_tables& known, const surroundings& around,
                     replacements& into);
  bool attach_value(relation& rows, const node& of, const common_tables& known, const surroundings& around,
                    replacements& into);
  /// The same of exists (select ...): whether there are such rows.
  bool attach_exists(relation& rows, const node& of, const common_tables& known, const surroundings& around,
                     replacements& into);
  /// Keys of the right, and the condition that compares them, for what a subquery says of the query around it.
  /// `selected`: the new names of the keys, and their old ones.
  bool match_keys(relation& right, const std::vector<const node*>& outside, const surroundings& around,
                  std::vector<std::string>& keys, std::vector<std::pair<std::string, std::string>>& selected,
                  mapped_text& on);
  /// Leaves these columns, under new names, that nobody sees.
  void only(relation& rows, const std::vector<std::pair<std::string, std::string>>& selected);
  bool attach_matched_value(relation& rows, const node& of, const query& inner, relation right,
                            const std::vector<const node*>& outside, const surroundings& around, replacements& into);

  // --- select (select.cpp, grouping.cpp)
  struct output {
    std::string name;
    mapped_text text;
    std::size_t begin = 0;
  };
  using text_maker = std::function<mapped_text(const clause&)>;
  /// What an expression behind GROUP BY reads: keys and aggregates, by their columns.
  struct grouped_names {
    std::map<std::string, std::string> keys;   ///< canonical text: column
    std::map<std::string, std::string> calls;  ///< text of aggregates: column
  };
  std::optional<relation> lower_select(const query& of, relation rows, const common_tables& known, const names* outer);
  std::optional<std::vector<output>> outputs_of(const select_core& of, const std::vector<column>& columns, bool grouped,
                                                const text_maker& text);
  std::string output_name(const select_item& of, std::size_t number) const;
  bool project(const query& of, relation& rows, std::vector<output> outputs, const text_maker& text);
  bool group(const query& of, relation& rows, const names& in, grouped_names& into);
  std::vector<const clause*> clauses_of(const query& of) const;
  const clause& key_meant(const select_core& of, const clause& key, const names& in);
  void aggregate(relation& rows, const std::vector<std::string>& by,
                 const std::vector<std::pair<std::string, mapped_text>>& compute);
  bool group_by_sets(const query& of, relation& rows, const names& in, const std::vector<std::string>& columns,
                     const std::vector<std::pair<std::string, mapped_text>>& compute, grouped_names& into);
  void replace_grouped(const node& of, const names& in, const grouped_names& groups, const replacements& known,
                       replacements& into);
  mapped_text grouped_text(const node& of, const names& in, const grouped_names& groups, const replacements& known);

  const unit_definition& unit_;
  const statement& what_;
  const std::vector<input_port>& inputs_;
  const options& files_;
  diagnostics& faults_;
  lowered made_;
  std::set<std::string> unit_names_, read_;
  std::map<std::string, std::size_t> item_begins_;  ///< of the columns that SELECT names
  int numbers_ = 0;
  bool outer_allowed_ = false;  ///< expressions may hold names of the query around theirs
  bool failed_ = false;
};

/// A SELECT whose rows are those that WHERE keeps: no groups, no limit.
bool is_plain(const query& of);

/// A name as an expression takes it, in quotes where it needs them.
std::string name_text(const std::string& name);
/// Compares names as the language does where none is exact.
bool same_name(const std::string& a, const std::string& b);

}  // namespace sluice::sql
