// What names in a statement mean, and the text of expressions with the names that the rows have.
#include "engine/error/names.hpp"
#include "engine/expression/parse/parsing.hpp"
#include "engine/operators/binding.hpp"
#include "engine/sql/lowering.hpp"

#include <algorithm>
#include <cctype>

namespace sluice::sql {

using expression::syntax_kind;
using expression::token_kind;

std::string name_text(const std::string& name) {
  const bool plain = !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
                     std::all_of(name.begin(), name.end(),
                                 [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
  static const std::set<std::string> special = {
      "date", "time",  "timestamp",    "timestamptz",  "interval",  "array",          "exists",
      "cast", "order", "current_date", "current_time", "localtime", "localtimestamp", "current_timestamp"};
  return plain && !expression::is_reserved(name) && !special.contains(name) ? name : quoted_name(name);
}

bool same_name(const std::string& a, const std::string& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool lowering::fault(std::size_t offset, std::string code, std::string message, std::string hint) {
  auto made = user_error(std::move(code), std::move(message), std::move(hint));
  made.path = "/sql";
  made.offset = offset;
  faults_.push_back(std::move(made));
  failed_ = true;
  return false;
}

std::optional<found_name> lowering::find_here(const node& name, const std::vector<column>& in, bool report) {
  const auto& parts = name.names;
  const auto ambiguous = [&](const std::string& table) -> std::optional<found_name> {
    if (report)
      fault(name.begin, "ambiguous_column", "the name " + parts.back() + " fits several columns",
            "write its table before it: " + table + "." + parts.back());
    return {};
  };
  // A column of a table.
  if (parts.size() > 1) {
    const column* found = nullptr;
    for (const bool exact : {true, false})
      for (const auto& one : in) {
        const bool fits = exact ? one.table == parts[0] && one.name == parts[1]
                                : same_name(one.table, parts[0]) && same_name(one.name, parts[1]);
        if (!fits || found == &one) continue;
        if (found == nullptr) found = &one;
        if (exact) return found_name{found, 2};
      }
    if (found != nullptr) return found_name{found, 2};
  }
  for (const bool exact : {true, false}) {
    const column* found = nullptr;
    for (const auto& one : in) {
      if (!one.shown) continue;
      if (exact ? one.name != parts[0] : !same_name(one.name, parts[0])) continue;
      if (found != nullptr && found->physical != one.physical) return ambiguous(one.table);
      found = &one;
    }
    if (found != nullptr) return found_name{found, 1};
  }
  return {};
}

std::optional<found_name> lowering::find(const node& name, const names& in, bool report) {
  const bool failed_before = failed_;
  int level = 0;
  for (const auto* here = &in; here != nullptr; here = here->outer, ++level) {
    auto found = find_here(name, *here->columns, report);
    if (found) {
      found->level = level;
      return found;
    }
    if (failed_ && !failed_before) return {};
  }
  if (!report) return {};
  std::vector<std::string> tables;
  std::vector<std::string> known;
  for (const auto* here = &in; here != nullptr; here = here->outer)
    for (const auto& one : *here->columns) {
      tables.push_back(one.table);
      if (name.names.size() == 1 || same_name(one.table, name.names[0])) known.push_back(one.name);
    }
  std::string text = name.names[0];
  for (std::size_t i = 1; i < name.names.size(); ++i) text += "." + name.names[i];
  if (name.names.size() > 1 && known.empty()) {
    const auto near = nearest_name(name.names[0], tables);
    fault(name.begin, "unknown_column", "there is no table " + name.names[0] + " in from",
          near.empty() ? "its tables: " + joined(tables) : "did you mean `" + near + "`?");
    return {};
  }
  const auto near = nearest_name(name.names.back(), known);
  fault(name.begin, "unknown_column", "there is no column " + text,
        near.empty() ? "its columns: " + joined(known) : "did you mean `" + near + "`?");
  return {};
}

std::size_t lowering::token_at(std::size_t begin) const {
  const auto& tokens = what_.tokens;
  const auto found = std::lower_bound(tokens.begin(), tokens.end(), begin,
                                      [](const auto& one, std::size_t at) { return one.begin < at; });
  return static_cast<std::size_t>(found - tokens.begin());
}

void lowering::replace_names(const node& of, const names& in, const replacements& known, replacements& into) {
  const auto where = of.kind == syntax_kind::column ? extent{of.begin, of.begin} : extent_of(of, what_);
  for (const auto& one : known)
    if (one.where.begin == where.begin && one.where.end == where.end) {
      into.push_back(one);
      return;
    }
  if (of.kind == syntax_kind::subquery) {
    fault(of.begin, "not_supported_yet",
          (of.text.empty() ? std::string("a subquery") : of.text + " (select ...)") +
              " is not supported at this place in sql",
          of.text.empty() ? "join the query in from" : "write it as a separate condition of where, connected by and");
    return;
  }
  if (of.kind == syntax_kind::column) {
    const auto found = find(of, in, true);
    if (!found) return;
    if (found->level > 0 && !outer_allowed_) {
      fault(of.begin, "not_supported_yet",
            "the name " + of.names.back() +
                " is of the query around this one, which is not supported at this place in sql",
            "such a name can be used in the where of exists, of in, and of a subquery with one aggregate; else write a "
            "join");
      return;
    }
    const auto first = token_at(of.begin);
    const auto last = first + (found->parts - 1) * 2;
    const auto& physical = found->what->physical;
    if (found->parts == 1 && what_.tokens[first].kind == token_kind::word && what_.tokens[first].written == physical)
      return;
    into.push_back({{of.begin, what_.tokens[last].end}, name_text(physical)});
    return;
  }
  for_each_part(of, [&](const node& part) { replace_names(part, in, known, into); });
}

mapped_text lowering::with(extent where, replacements what) {
  std::sort(what.begin(), what.end(), [](const auto& a, const auto& b) { return a.where.begin < b.where.begin; });
  mapped_text made;
  const std::string_view text = what_.text;
  auto at = where.begin;
  for (const auto& one : what) {
    if (one.where.begin < at) continue;
    made.add(text.substr(at, one.where.begin - at), at, true);
    made.add(one.text, one.where.begin, false);
    at = one.where.end;
  }
  if (where.end > at) made.add(text.substr(at, where.end - at), at, true);
  return made;
}

mapped_text lowering::text_of(const node& of, const names& in, const replacements& known) {
  replacements all;
  replace_names(of, in, known, all);
  return with(extent_of(of, what_), std::move(all));
}

mapped_text lowering::text_of(const clause& of, const names& in, const replacements& known) {
  replacements all;
  replace_names(*of.tree, in, known, all);
  return with({of.begin, of.end}, std::move(all));
}

std::string lowering::canonical(const node& of, const names& in) {
  std::string made = std::to_string(static_cast<int>(of.kind)) + of.text;
  if (of.kind == syntax_kind::column) {
    const auto found = find(of, in, false);
    if (found) {
      made += found->what->physical;
      for (auto part = found->parts; part < of.names.size(); ++part) made += "." + of.names[part];
      return made + (found->level > 0 ? "^" : "");
    }
  }
  for (const auto& one : of.names) made += "." + one;
  made += of.negated ? "!" : "";
  made += of.distinct ? "d" : "";
  made += of.star ? "*" : "";
  made += of.window ? "w" + std::to_string(of.begin) : "";  // no two windows are the same
  for (const auto& one : of.order) made += one.descending ? one.nulls_first ? "v" : "V" : one.nulls_first ? "u" : "U";
  made += of.filter ? "f(" : "(";
  for_each_part(of, [&](const node& part) { made += canonical(part, in) + ","; });
  return made + ")";
}

}  // namespace sluice::sql
