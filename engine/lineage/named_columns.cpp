#include "engine/lineage/named_columns.hpp"

#include "engine/expression/parse/parser.hpp"

#include <algorithm>
#include <array>

namespace sluice::lineage {

namespace {

using expression::syntax;
using expression::syntax_kind;

void add(std::vector<named_column>& to, named_column one) {
  if (std::find(to.begin(), to.end(), one) == to.end()) to.push_back(std::move(one));
}

void collect(const syntax* of, std::vector<named_column>& found);

void collect(const std::vector<expression::order_syntax>& order, std::vector<named_column>& found) {
  for (const auto& key : order) collect(key.value.get(), found);
}

void collect(const syntax* of, std::vector<named_column>& found) {
  if (of == nullptr) return;
  if (of->kind == syntax_kind::column && !of->names.empty()) {
    add(found, {{}, of->names[0]});
    if (of->names.size() > 1) add(found, {of->names[0], of->names[1]});
  }
  for (const auto& arg : of->args) collect(arg.get(), found);
  collect(of->filter.get(), found);
  collect(of->order, found);
  if (!of->window) return;
  for (const auto& key : of->window->partition) collect(key.get(), found);
  collect(of->window->order, found);
  collect(of->window->start_offset.get(), found);
  collect(of->window->end_offset.get(), found);
}

/// Cuts the last of some words off; false where the text does not end with one.
bool cut_word(std::string_view& text) {
  constexpr std::array<std::string_view, 5> words = {"asc", "desc", "nulls", "first", "last"};
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  const auto blank = text.rfind(' ');
  if (blank == std::string_view::npos) return false;
  std::string last(text.substr(blank + 1));
  std::transform(last.begin(), last.end(), last.begin(), [](unsigned char c) { return std::tolower(c); });
  if (std::find(words.begin(), words.end(), last) == words.end()) return false;
  text = text.substr(0, blank);
  return true;
}

}  // namespace

read_columns columns_read(std::string_view expression) {
  diagnostics faults;
  const auto tree = expression::parse(expression, {}, faults);
  read_columns made;
  if (!tree) return made;
  collect(tree.get(), made.names);
  made.plain = tree->kind == syntax_kind::column && tree->names.size() <= 2;
  return made;
}

read_columns columns_of_key(std::string_view key) {
  while (cut_word(key)) {
  }
  return columns_read(key);
}

}  // namespace sluice::lineage
