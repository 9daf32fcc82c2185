#include "config/yaml_parser.hpp"

#include "config/open_quote.hpp"

#include <yaml-cpp/yaml.h>

#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <map>
#include <sstream>

namespace sluice::config {

namespace {

/// Aliases are copied: a file of a few lines could else grow to any size.
constexpr std::size_t most_nodes = 100'000;

struct too_large {};

/// yaml-cpp keeps every token of a flow collection until it knows whether the collection is a key, about 250 bytes for
/// each. What could be such tokens is counted before, wherever it stands: no honest file comes near these numbers.
constexpr std::size_t most_flow_signs = 200'000;
constexpr int deepest_flow = 1'000;

std::optional<yaml_fault> too_much_flow(const std::string& text) {
  std::size_t signs = 0;
  int depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') depth = std::max(depth - 1, 0);
    if (depth > deepest_flow)
      return yaml_fault{user_error("invalid_yaml", "[ and { are nested more than 1,000 levels deep", "close them"), at};
    if ((c == '[' || c == '{' || c == ',') && ++signs > most_flow_signs)
      return yaml_fault{user_error("invalid_yaml", "the file has more than 200,000 of the characters , [ and {",
                                   "put long lists of values into a file and join it"),
                        at};
  }
  return {};
}

/// Builds nodes from yaml-cpp's events, which keep duplicate keys and say what was quoted.
class builder : public YAML::EventHandler {
 public:
  explicit builder(const std::vector<placeholder>& placeholders) : placeholders_(placeholders) {}

  node root;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(make(node::kind::null, mark), anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto copy = anchors_[anchor];
    copy.begin = offset(mark);
    count_ += size_of(copy);
    add(std::move(copy), 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto made = make(node::kind::scalar, mark);
    made.text = value;
    made.quoted = tag != "?";  // what yaml-cpp gives a plain scalar
    const auto held = std::count(value.begin(), value.end(), placeholder_begin);
    auto next = std::lower_bound(placeholders_.begin(), placeholders_.end(), made.begin,
                                 [](const placeholder& one, std::size_t at) { return one.begin < at; });
    for (auto left = held; left > 0 && next != placeholders_.end(); --left, ++next)
      made.placeholders.push_back(static_cast<std::size_t>(next - placeholders_.begin()));
    add(std::move(made), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(make(node::kind::sequence, mark), anchor, style);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(make(node::kind::map, mark), anchor, style);
  }
  void OnMapEnd() override { close(); }

 private:
  struct open_node {
    node value;
    YAML::anchor_t anchor = 0;
    std::optional<node> key;
  };

  static std::size_t offset(const YAML::Mark& mark) {
    return mark.is_null() ? 0 : static_cast<std::size_t>(std::max(mark.pos, 0));
  }
  static node make(node::kind what, const YAML::Mark& mark) {
    node made;
    made.what = what;
    made.begin = offset(mark);
    return made;
  }
  static std::size_t size_of(const node& value) {
    std::size_t size = 1;
    for (const auto& item : value.items) size += size_of(item);
    for (const auto& [key, held] : value.entries) size += size_of(key) + size_of(held);
    return size;
  }
  void open(node made, YAML::anchor_t anchor, YAML::EmitterStyle::value style) {
    made.flow = style == YAML::EmitterStyle::Flow;
    open_.push_back({std::move(made), anchor, {}});
  }
  void close() {
    auto done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.value), done.anchor);
  }
  void add(node made, YAML::anchor_t anchor) {
    if (++count_ > most_nodes) throw too_large{};
    if (anchor != 0) anchors_[anchor] = made;
    if (open_.empty()) {
      root = std::move(made);
      return;
    }
    auto& parent = open_.back();
    if (parent.value.is_sequence()) {
      parent.value.items.push_back(std::move(made));
    } else if (!parent.key) {
      parent.key = std::move(made);
    } else {
      parent.value.entries.push_back({*std::move(parent.key), std::move(made)});
      parent.key.reset();
    }
  }

  const std::vector<placeholder>& placeholders_;
  std::vector<open_node> open_;
  std::map<YAML::anchor_t, node> anchors_;
  std::size_t count_ = 0;
};

/// The first line up to `end` whose indentation has a tab, as an offset.
std::optional<std::size_t> tab_in_indentation(const std::string& text, std::size_t end) {
  bool indentation = true;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\n') {
      if (at >= end) return {};
      indentation = true;
    } else if (indentation && text[at] == '\t') {
      return at;
    } else if (text[at] != ' ') {
      indentation = false;
    }
  }
  return {};
}

std::string hint_for(const std::string& message) {
  if (message.find("illegal map value") != std::string::npos)
    return "a text with a colon and a space in it must be quoted: \"a: b\"";
  if (message.find("flow") != std::string::npos)
    return "a { or [ is not closed, or a text with , [ ] { } in it needs quotes: quote this expression";
  if (message.find("end of map not found") != std::string::npos || message.find("end of sequence") != std::string::npos)
    return "check the indentation of this line; if there is text after a closing quote, quote the whole text";
  if (message.find("end of file") != std::string::npos || message.find("EOF") != std::string::npos)
    return "a quote is not closed";
  return "check the indentation and the quotes of this line";
}

}  // namespace

std::optional<node> parse_yaml(const std::string& text, const std::vector<placeholder>& placeholders,
                               std::optional<yaml_fault>& fault) {
  fault = too_much_flow(text);
  if (fault) return {};
  try {
    std::istringstream in(text);
    YAML::Parser parser(in);
    builder made(placeholders);
    if (!parser.HandleNextDocument(made)) return node{};
    builder second(placeholders);
    if (parser.HandleNextDocument(second)) {
      fault = {user_error("invalid_yaml", "a second YAML document begins here; a pipeline must be one document",
                          "put each pipeline into its own file and remove the line ---"),
               second.root.begin};
      return {};
    }
    return std::move(made.root);
  } catch (const YAML::Exception& problem) {
    auto begin = problem.mark.is_null() ? std::size_t{0} : static_cast<std::size_t>(std::max(problem.mark.pos, 0));
    if (const auto tab = tab_in_indentation(text, begin)) {
      fault = {user_error("invalid_yaml", "the indentation of this line contains a tab", "indent with spaces"), *tab};
    } else if (const auto quote = find_open_quote(text)) {
      const auto mark = std::string(1, text[*quote]);
      fault = {user_error("invalid_yaml", "this quote is not closed", "put " + mark + " at the end of the text"),
               *quote};
    } else {
      fault = {user_error("invalid_yaml", "this is not valid YAML: " + problem.msg, hint_for(problem.msg)), begin};
    }
  } catch (const too_large&) {
    fault = {user_error("invalid_yaml", "the file has more than 100,000 values, with aliases expanded",
                        "use fewer aliases (*name)"),
             0};
  } catch (const std::exception& problem) {
    fault = {user_error("invalid_yaml", std::string("this is not valid YAML: ") + problem.what()), 0};
  }
  return {};
}

}  // namespace sluice::config
