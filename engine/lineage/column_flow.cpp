#include "engine/lineage/column_flow.hpp"

#include "engine/lineage/named_columns.hpp"

#include <algorithm>
#include <functional>
#include <map>

namespace sluice::lineage {

namespace {

bool same_name(const std::string& a, const std::string& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

void add(std::vector<origin>& to, const origin& one) {
  for (auto& known : to)
    if (known.source == one.source && known.column == one.column) {
      known.how = std::max(known.how, one.how);
      known.masked = known.masked || one.masked;
      return;
    }
  to.push_back(one);
}

void add(std::vector<influence>& to, const influence& one) {
  if (std::find(to.begin(), to.end(), one) == to.end()) to.push_back(one);
}

std::vector<std::string> texts_in(const options& list) {
  std::vector<std::string> made;
  if (list.is_string()) made.push_back(list.text());
  if (list.is_array())
    for (const auto& one : list)
      if (one.is_string()) made.push_back(one.text());
  return made;
}

const options& member(const options& of, const char* name) {
  static const options nothing;
  if (!of.is_object()) return nothing;
  const auto found = of.find(name);
  return found == of.end() ? nothing : *found;
}

class tracer {
 public:
  tracer(std::string operation, const options& own, const std::vector<traced_input>& inputs)
      : operation_(std::move(operation)), own_(own), inputs_(inputs) {}

  traced_rows run() {
    if (!inputs_.empty()) made_ = inputs_.front().rows;
    static const std::map<std::string, void (tracer::*)()> known = {
        {"aggregate", &tracer::aggregate}, {"cast", &tracer::cast},       {"deduplicate", &tracer::deduplicate},
        {"decrypt", &tracer::protect},     {"derive", &tracer::derive},   {"drop", &tracer::drop},
        {"encrypt", &tracer::protect},     {"except", &tracer::subtract}, {"fill", &tracer::fill},
        {"filter", &tracer::filter},       {"flatten", &tracer::flatten}, {"intersect", &tracer::subtract},
        {"join", &tracer::join},           {"limit", &tracer::pass},      {"mask", &tracer::mask},
        {"nest", &tracer::nest},           {"pivot", &tracer::pivot},     {"rename", &tracer::rename},
        {"route", &tracer::route},         {"sample", &tracer::pass},     {"select", &tracer::select},
        {"sort", &tracer::sort},           {"steps", &tracer::steps},     {"surrogate_key", &tracer::surrogate_key},
        {"union", &tracer::unite},         {"unnest", &tracer::unnest},   {"unpivot", &tracer::unpivot},
        {"validate", &tracer::validate}};
    const auto found = known.find(operation_);
    if (found != known.end())
      (this->*found->second)();
    else
      made_ = {.columns = {{.name = "*", .from = everything()}}, .rows = made_.rows};
    return std::move(made_);
  }

 private:
  using rows = traced_rows;

  /// The columns that an expression reads, of all inputs or of what was made so far.
  std::vector<const traced_column*> named(const read_columns& read, bool of_inputs) const {
    std::vector<const traced_column*> found;
    for (const auto& name : read.names) {
      if (!of_inputs) {
        if (name.unit.empty() || (!inputs_.empty() && same_name(name.unit, inputs_.front().unit)))
          look(made_, name.name, found);
        continue;
      }
      for (const auto& input : inputs_)
        if (name.unit.empty() || same_name(name.unit, input.unit)) look(input.rows, name.name, found);
    }
    return found;
  }
  std::vector<const traced_column*> named(const std::string& name) const {
    return named(read_columns{.names = {{{}, name}}, .plain = true}, false);
  }
  static void look(const rows& in, const std::string& name, std::vector<const traced_column*>& found) {
    for (const auto& column : in.columns)
      if (same_name(column.name, name)) found.push_back(&column);
    if (!in.columns.empty() && in.columns.front().name == "*" && found.empty()) found.push_back(&in.columns.front());
  }

  static void take(std::vector<origin>& to, const std::vector<const traced_column*>& columns, change at_least,
                   bool masked = false) {
    for (const auto* column : columns)
      for (auto one : column->from) {
        one.how = std::max(one.how, at_least);
        one.masked = one.masked || masked;
        add(to, one);
      }
  }
  std::vector<origin> made_of(const std::string& text, change at_least, bool of_inputs = false) const {
    std::vector<origin> from;
    const auto read = columns_read(text);
    // Nothing but a column: it is passed on.
    take(from, named(read, of_inputs), read.plain && at_least == change::transformed ? change::none : at_least);
    return from;
  }
  void influenced(const read_columns& read, const char* how, bool of_inputs = false) {
    for (const auto* column : named(read, of_inputs))
      for (const auto& one : column->from) add(made_.rows, influence{one.source, one.column, how});
  }
  void influenced(const std::string& text, const char* how, bool of_inputs = false) {
    influenced(columns_read(text), how, of_inputs);
  }
  std::vector<origin> everything() const {
    std::vector<origin> all;
    for (const auto& input : inputs_)
      for (const auto& column : input.rows.columns) take(all, {&column}, change::transformed);
    return all;
  }
  traced_column* find(const std::string& name) {
    for (auto& column : made_.columns)
      if (column.name == name) return &column;
    return nullptr;
  }
  void put(const std::string& name, std::vector<origin> from) {
    if (auto* known = find(name))
      known->from = std::move(from);
    else
      made_.columns.push_back({name, std::move(from)});
  }
  void changed(const std::string& name, bool masked = false) {
    if (auto* column = find(name))
      for (auto& one : column->from) {
        one.how = std::max(one.how, change::transformed);
        one.masked = one.masked || masked;
      }
  }
  void remove(const std::string& name) {
    auto& all = made_.columns;
    all.erase(std::remove_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; }), all.end());
  }

  void pass() {}
  void filter() {
    if (own_.is_string()) influenced(own_.text(), "FILTER");
  }
  void validate() {
    for (const auto& [name, rule] : own_.items())
      if (const auto& check = member(rule, "check"); check.is_string() && rule.value("severity", "reject") == "reject")
        influenced(check.text(), "FILTER");
  }
  void route() {
    for (const auto& [name, condition] : own_.items())
      if (condition.is_string() && name != "default") influenced(condition.text(), "FILTER");
  }
  void derive() {
    for (const auto& [name, text] : own_.items())
      if (text.is_string()) put(name, made_of(text.text(), change::transformed));
  }
  void select() {
    rows made{.columns = {}, .rows = made_.rows};
    for (const auto& one : own_) {
      if (one.is_string()) {
        std::vector<origin> from;
        take(from, named(one.text()), change::none);
        made.columns.push_back({one.text(), std::move(from)});
        continue;
      }
      for (const auto& [name, text] : one.items())
        made.columns.push_back({name, made_of(text.is_string() ? text.text() : text.dump(), change::transformed)});
    }
    made_ = std::move(made);
  }
  void rename() {
    for (const auto& [before, now] : own_.items())
      if (auto* column = find(before); column != nullptr && now.is_string()) column->name = now.text();
  }
  void drop() {
    for (const auto& name : texts_in(own_)) remove(name);
  }
  void cast() {
    for (const auto& [name, type] : own_.items()) changed(name);
  }
  void mask() {
    for (const auto& [name, how] : own_.items()) changed(name, true);
  }
  void protect() {
    for (const auto& name : texts_in(member(own_, "columns"))) changed(name, operation_ == "encrypt");
  }
  void fill() {
    for (const auto& name : texts_in(member(own_, "columns"))) changed(name);
    for (const auto& name : texts_in(member(own_, "order"))) influenced(columns_of_key(name), "SORT");
  }
  void sort() {
    for (const auto& text : texts_in(own_)) influenced(columns_of_key(text), "SORT");
  }
  void deduplicate() {
    const auto keys = own_.is_array() ? texts_in(own_) : texts_in(member(own_, "by"));
    for (const auto& name : keys) influenced(read_columns{.names = {{{}, name}}, .plain = true}, "GROUP_BY");
    for (const auto& text : texts_in(member(own_, "order"))) influenced(columns_of_key(text), "SORT");
  }
  void surrogate_key() {
    std::vector<origin> from;
    for (const auto& name : texts_in(member(own_, "of"))) take(from, named(name), change::transformed);
    put(own_.value("as", ""), std::move(from));
  }
  void nest() {
    std::vector<origin> from;
    for (const auto& name : texts_in(member(own_, "columns"))) {
      take(from, named(name), change::transformed);
      remove(name);
    }
    put(own_.value("as", ""), std::move(from));
  }
  /// The fields of a struct have names that are known only by its type: whoever asks for one gets `name.*`.
  void flatten() {
    const auto name = own_.is_string() ? own_.text() : own_.value("column", "");
    changed(name);
    if (auto* column = find(name)) column->name = "*";
  }
  void unnest() {
    const auto name = own_.is_string() ? own_.text() : own_.value("column", "");
    changed(name);
    auto* column = find(name);
    const auto as = own_.is_object() ? own_.value("as", "") : std::string();
    if (column != nullptr && !as.empty()) column->name = as;
    if (const auto number = own_.is_object() ? own_.value("ordinality", "") : std::string(); !number.empty())
      put(number, {});
  }
  void group(const options& by, rows& made) {
    for (const auto& text : texts_in(by)) {
      // A name is no expression where it has a blank.
      const auto read = find(text) == nullptr ? columns_read(text) : read_columns{.names = {{{}, text}}, .plain = true};
      traced_column key{.name = text, .from = {}};
      take(key.from, named(read, false), read.plain ? change::none : change::transformed);
      made.columns.push_back(std::move(key));
      influenced(read, "GROUP_BY");
    }
  }
  void aggregate() {
    rows made;
    group(member(own_, "by"), made);
    for (const auto* sets : {"rollup", "cube"}) group(member(own_, sets), made);
    for (const auto& set : member(own_, "sets"))
      for (const auto& text : texts_in(set))
        if (std::none_of(made.columns.begin(), made.columns.end(), [&](const auto& one) { return one.name == text; }))
          group(options(text), made);
    for (const auto& [name, text] : member(own_, "compute").items())
      made.columns.push_back({name, made_of(text.text(), change::aggregated)});
    made.rows = std::move(made_.rows);
    made_ = std::move(made);
  }
  void pivot() {
    rows made;
    group(member(own_, "by"), made);
    const auto on = own_.value("on", "");
    influenced(on, "GROUP_BY");
    std::vector<origin> all;
    for (const auto& [name, text] : member(own_, "values").items()) {
      auto from = made_of(text.text(), change::aggregated);
      for (const auto& value : member(own_, "into"))
        made.columns.push_back({name + "_" + (value.is_string() ? value.text() : value.dump()), from});
      for (const auto& one : from) add(all, one);
    }
    // Columns that are found in the rows, or named otherwise.
    made.columns.push_back({"*", std::move(all)});
    made.rows = std::move(made_.rows);
    made_ = std::move(made);
  }
  void unpivot() {
    std::vector<origin> from;
    for (const auto& name : texts_in(member(own_, "columns"))) {
      take(from, named(name), change::transformed);
      remove(name);
    }
    put(own_.value("name", "name"), {});
    put(own_.value("value", "value"), std::move(from));
  }
  void unite() {
    for (std::size_t at = 1; at < inputs_.size(); ++at) {
      for (const auto& column : inputs_[at].rows.columns) {
        auto* known = find(column.name);
        if (known == nullptr) {
          made_.columns.push_back(column);
          continue;
        }
        for (const auto& one : column.from) add(known->from, one);
      }
      for (const auto& one : inputs_[at].rows.rows) add(made_.rows, one);
    }
  }
  void subtract() {
    for (std::size_t at = 1; at < inputs_.size(); ++at)
      for (const auto& column : inputs_[at].rows.columns)
        for (const auto& one : column.from) add(made_.rows, influence{one.source, one.column, "FILTER"});
  }
  void join() {
    const auto kind = own_.value("how", "inner");
    const bool right_too = kind != "anti" && kind != "semi";
    for (std::size_t at = 1; at < inputs_.size(); ++at) {
      for (const auto& column : inputs_[at].rows.columns)
        if (right_too && find(column.name) == nullptr) made_.columns.push_back(column);
      for (const auto& one : inputs_[at].rows.rows) add(made_.rows, one);
    }
    for (const auto& name : texts_in(member(own_, "using")))
      influenced(read_columns{.names = {{{}, name}}, .plain = true}, "JOIN", true);
    for (const auto* how : {"on", "where"})
      if (const auto& text = member(own_, how); text.is_string()) influenced(text.text(), "JOIN", true);
  }
  void steps() {
    auto traced = inputs_.empty() ? traced_rows() : inputs_.front().rows;
    for (const auto& step : own_)
      for (const auto& [name, own] : step.items())
        traced = trace(name, own, {{inputs_.empty() ? std::string() : inputs_.front().unit, std::move(traced)}});
    made_ = std::move(traced);
  }

  std::string operation_;
  const options& own_;
  const std::vector<traced_input>& inputs_;
  traced_rows made_;
};

}  // namespace

traced_rows trace(const std::string& operation, const options& own, const std::vector<traced_input>& inputs) {
  return tracer(operation, own, inputs).run();
}

}  // namespace sluice::lineage
