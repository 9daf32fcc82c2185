#include "config/document.hpp"

#include "config/scalar_places.hpp"
#include "config/yaml_parser.hpp"
#include "engine/files/foreign_formats.hpp"

#include <algorithm>
#include <map>

namespace sluice::config {

namespace {

constexpr std::size_t most_bytes = 4 * 1024 * 1024;

/// The first byte that no YAML file may hold: not UTF-8, or a control character.
std::optional<std::size_t> foreign_byte(const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead < 0x20 ? lead != '\n' && lead != '\r' && lead != '\t' : lead == 0x7f) return at;
    std::size_t follow = 0;
    if (lead >= 0x80) {
      if (lead >= 0xc2 && lead < 0xe0)
        follow = 1;
      else if (lead >= 0xe0 && lead < 0xf0)
        follow = 2;
      else if (lead >= 0xf0 && lead < 0xf5)
        follow = 3;
      else
        return at;
    }
    if (at + follow >= text.size() && follow > 0) return at;
    for (std::size_t next = 1; next <= follow; ++next)
      if ((static_cast<unsigned char>(text[at + next]) & 0xc0U) != 0x80) return at;
    at += follow + 1;
  }
  return {};
}

int unbalanced(const std::string& text) {
  return static_cast<int>(std::count(text.begin(), text.end(), '(')) -
         static_cast<int>(std::count(text.begin(), text.end(), ')'));
}

/// Turns places in a part into places in the whole text.
void move_to(node& value, std::size_t begin, std::size_t first_placeholder) {
  value.begin += begin;
  for (auto& index : value.placeholders) index += first_placeholder;
  for (auto& item : value.items) move_to(item, begin, first_placeholder);
  for (auto& [key, held] : value.entries) {
    move_to(key, begin, first_placeholder);
    move_to(held, begin, first_placeholder);
  }
}

bool opens(const node& value) { return value.is_scalar() && !value.quoted && unbalanced(value.text) > 0; }

}  // namespace

std::string describe(const node& value) {
  switch (value.what) {
    case node::kind::null:
      return "nothing";
    case node::kind::scalar:
      return value.text.empty() ? "an empty text" : "'" + value.text + "'";
    case node::kind::sequence:
      return "a list";
    case node::kind::map:
      return "a map";
  }
  return "nothing";
}

std::shared_ptr<document> document::parse(std::string text, std::string file, diagnostics& faults) {
  std::shared_ptr<document> made(new document);
  if (auto root = made->add(std::move(text), std::move(file), {}, faults)) made->root_ = *std::move(root);
  return made;
}

std::optional<node> document::add(std::string text, std::string file, const std::string& separator,
                                  diagnostics& faults) {
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  if (!parts_.empty()) {
    if (!text_.ends_with('\n')) text_ += '\n';
    text_ += separator + "\n";
  }
  const auto begin = text_.size();
  text_ += text;
  for (auto at = lines_.empty() ? std::size_t{0} : lines_.back() + 1; at <= text_.size(); ++at)
    if (at == 0 || text_[at - 1] == '\n') lines_.push_back(at);
  const auto first = std::lower_bound(lines_.begin(), lines_.end(), begin);
  parts_.push_back({std::move(file), begin, static_cast<std::size_t>(first - lines_.begin())});
  return read_part(parts_.back(), faults);
}

std::optional<node> document::read_part(const part& of, diagnostics& faults) {
  if (text_.size() > most_bytes) {
    fault_at_byte(of.begin,
                  user_error("invalid_yaml",
                             "a pipeline can have at most 4 MiB with all that it includes, found " +
                                 std::to_string(text_.size()) + " bytes",
                             "put long lists of values into a file and join it"),
                  faults);
    return {};
  }
  auto masked = text_.substr(of.begin);
  if (const auto foreign = foreign_byte(masked)) {
    fault_at_byte(of.begin + *foreign,
                  not_wanted_format("this file", masked, "a pipeline")
                      .value_or(user_error("invalid_yaml", "this is not UTF-8 text, or it contains a control character",
                                           "save the file as UTF-8, and check that it is a pipeline")),
                  faults);
    return {};
  }
  auto hidden = hide_placeholders(masked);
  std::optional<yaml_fault> fault;
  auto root = parse_yaml(masked, hidden, fault);
  if (!root) {
    fault_at_byte(of.begin + fault->begin, std::move(fault->problem), faults);
    return {};
  }
  move_to(*root, of.begin, placeholders_.size());
  for (auto& one : hidden) {
    one.begin += of.begin;
    placeholders_.push_back(std::move(one));
  }
  if (!root->is_map()) {
    fault_at_byte(root->begin,
                  user_error("invalid_yaml", "a pipeline must be a map of sections, found " + describe(*root),
                             "begin with: version: 1"),
                  faults);
    return {};
  }
  return root;
}

std::vector<std::string> document::added() const {
  std::vector<std::string> names;
  names.reserve(parts_.size() - 1);
  for (std::size_t at = 1; at < parts_.size(); ++at) names.push_back(parts_[at].file);
  return names;
}

void document::fill(const std::string& section, const lookup& values, diagnostics& faults) {
  if (!section.empty()) {
    for (auto& [key, value] : root_.entries)
      if (key.text == section) fill_node(value, values, faults);
    return;
  }
  fill_node(root_, values, faults);
}

void document::fill_node(node& value, const lookup& values, diagnostics& faults) {
  if (value.is_scalar() && value.masked.empty()) {
    std::vector<substitution_fault> problems;
    substitute(value, placeholders_, values, problems);
    for (auto& [problem, begin] : problems) fault_at_byte(begin, std::move(problem), faults);
  }
  for (auto& item : value.items) fill_node(item, values, faults);
  for (auto& [key, held] : value.entries) {
    fill_node(key, values, faults);
    fill_node(held, values, faults);
  }
  if (value.flow) check_quotes(value, faults);
  if (value.is_map()) check_entries(value, faults);
}

void document::check_entries(node& map, diagnostics& faults) {
  if (map.broken) return;
  std::map<std::string, std::size_t> seen;
  std::vector<node::entry> kept;
  for (auto& entry : map.entries) {
    auto& key = entry.key;
    if (key.is_null() && text_.compare(key.begin, 4, "null") == 0) {
      key.what = node::kind::scalar;
      key.text = "null";
    }
    if (!key.is_scalar()) {
      map.broken = true;
      faults.push_back(
          fault(key, "invalid_yaml", "a key must be text, found " + describe(key), "quote this expression"));
      continue;
    }
    const auto [first, added] = seen.emplace(key.text, key.begin);
    if (added) {
      kept.push_back(std::move(entry));
      continue;
    }
    faults.push_back(fault(key, "duplicate_key",
                           "the key " + key.text + " appears twice, first in " + beside(first->second, key.begin),
                           "remove or rename one of them"));
  }
  map.entries = std::move(kept);
}

std::string document::whole_expression(std::size_t begin) const {
  int depth = 0;
  for (auto at = begin; at < text_.size() && text_[at] != '\n'; ++at) {
    if (text_[at] == '(') ++depth;
    if (text_[at] == ')' && --depth == 0) {
      auto end = at + 1;
      while (end < text_.size() && std::string_view(",]}\n#").find(text_[end]) == std::string_view::npos) ++end;
      while (end > at + 1 && text_[end - 1] == ' ') --end;
      return text_.substr(begin, end - begin);
    }
  }
  return {};
}

void document::check_quotes(node& flow, diagnostics& faults) const {
  const auto report = [&](const node& at) {
    if (flow.broken) return;
    flow.broken = true;
    const auto whole = whole_expression(at.begin);
    faults.push_back(fault(at, "unquoted_expression",
                           "inside { } and [ ] a comma ends the value, so the value is only '" + at.text + "'",
                           whole.empty() ? "quote this expression" : "quote this expression: \"" + whole + "\""));
  };
  for (std::size_t at = 0; at + 1 < flow.items.size(); ++at)
    if (opens(flow.items[at]) && !flow.items[at + 1].quoted) report(flow.items[at]);
  for (std::size_t at = 0; at + 1 < flow.entries.size(); ++at) {
    const auto& next = flow.entries[at + 1];
    if (next.value.is_null() && opens(flow.entries[at].value)) report(flow.entries[at].value);
    if (next.key.is_scalar() && flow.entries[at].value.is_null() && opens(flow.entries[at].key))
      report(flow.entries[at].key);
  }
}

location document::locate_byte(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  const auto next = std::upper_bound(lines_.begin(), lines_.end(), offset);
  const auto begin = *(next - 1);
  int column = 1;
  for (auto at = begin; at < offset; ++at)
    if ((static_cast<unsigned char>(text_[at]) & 0xc0U) != 0x80) ++column;
  const auto of = std::upper_bound(parts_.begin(), parts_.end(), offset,
                                   [](std::size_t at, const part& one) { return at < one.begin; }) -
                  1;
  return {of->file, static_cast<int>(next - lines_.begin()) - static_cast<int>(of->first_line), column};
}

std::string document::beside(std::size_t first, std::size_t other) const {
  const auto place = locate_byte(first);
  const auto line = std::to_string(place.line);
  return place.file == locate_byte(other).file ? "line " + line : place.file + ":" + line;
}

location document::locate_in(const node& value, std::size_t offset) const {
  if (!value.is_scalar()) return locate_byte(value.begin);
  return locate_byte(place_in_scalar(text_, value, offset));
}

location document::locate(const std::string& pointer, std::optional<std::size_t> offset) const {
  const node* key = nullptr;
  const node* value = &root_;
  const auto keys = pointer_keys(pointer);
  bool whole = true;
  for (std::size_t at = 0; at < keys.size() && whole; ++at) {
    if (value->is_map()) {
      const auto found = std::find_if(value->entries.begin(), value->entries.end(),
                                      [&](const auto& entry) { return entry.key.text == keys[at]; });
      whole = found != value->entries.end();
      if (!whole) break;
      key = &found->key;
      value = &found->value;
    } else if (value->is_sequence()) {
      std::size_t index = 0;
      for (const char c : keys[at])
        index = c >= '0' && c <= '9' ? index * 10 + static_cast<std::size_t>(c - '0') : SIZE_MAX / 16;
      whole = index < value->items.size();
      if (!whole) break;
      key = nullptr;
      value = &value->items[index];
    } else {
      whole = value->is_scalar() && keys[at] == "0" && at + 1 == keys.size();  // a list of one, written as text
    }
  }
  if (whole && value->is_scalar()) return offset ? locate_in(*value, *offset) : locate_byte(value->begin);
  return locate_byte(key != nullptr ? key->begin : value->begin);
}

std::string_view document::line(const std::string& file, int number) const {
  const auto of = std::find_if(parts_.begin(), parts_.end(), [&](const part& one) { return one.file == file; });
  if (of == parts_.end() || number < 1) return {};
  const auto index = of->first_line + static_cast<std::size_t>(number) - 1;
  if (index >= lines_.size()) return {};
  const auto begin = lines_[index];
  auto end = text_.find('\n', begin);
  if (end == std::string::npos) end = text_.size();
  if (end > begin && text_[end - 1] == '\r') --end;
  return std::string_view(text_).substr(begin, end - begin);
}

error document::fault(const node& at, std::string code, std::string message, std::string hint) const {
  auto made = user_error(std::move(code), std::move(message), std::move(hint));
  made.at = locate_byte(at.begin);
  return made;
}

void document::fault_at_byte(std::size_t offset, error problem, diagnostics& faults) const {
  problem.at = locate_byte(offset);
  faults.push_back(std::move(problem));
}

std::vector<std::string> pointer_keys(std::string_view pointer) {
  std::vector<std::string> keys;
  for (std::size_t at = 0; at < pointer.size(); ++at) {
    if (pointer[at] == '/') {
      keys.emplace_back();
    } else if (keys.empty()) {
      keys.emplace_back(1, pointer[at]);
    } else if (pointer[at] == '~' && at + 1 < pointer.size()) {
      keys.back() += pointer[++at] == '1' ? '/' : '~';
    } else {
      keys.back() += pointer[at];
    }
  }
  return keys;
}

}  // namespace sluice::config
