#include "engine/expression/functions/json_path.hpp"

#include "engine/values/json_text.hpp"
#include "engine/values/value_parse.hpp"

#include <limits>
#include <optional>

namespace sluice::expression {

using json::kind;

namespace {

struct condition;
using condition_ptr = std::shared_ptr<const condition>;
using path_steps = std::vector<json_path::step>;

constexpr std::int64_t last_element = std::numeric_limits<std::int64_t>::max() / 2;

}  // namespace

struct json_path::step {
  enum class form { member, members, element, elements, filter, type, size } of = form::member;
  std::string name = {};
  std::int64_t from = 0;  ///< element; counted back from last_element
  std::int64_t to = 0;
  condition_ptr when = nullptr;
};

namespace {

using step = json_path::step;

/// One side of a comparison: a path from the item, or a value.
struct side {
  bool is_path = false;
  path_steps steps = {};
  std::string value = {};  ///< as JSON
};

struct condition {
  enum class form { compare, starts, exists, all, any, none } of = form::compare;
  std::string op = {};
  side left = {};
  side right = {};
  std::vector<condition_ptr> parts = {};
};

using items = std::vector<std::string_view>;

void run(const path_steps& steps, std::size_t at, std::string_view value, items& out, std::deque<std::string>& made);

std::string meaning(std::string_view text) {
  std::string out;
  json::append_meaning(out, text);
  return out;
}

/// -1, 0, 1; nothing where the two can't be compared.
std::optional<int> compare(std::string_view left, std::string_view right) {
  const auto of = json::kind_of(left);
  if (of != json::kind_of(right)) return {};
  switch (of) {
    case kind::number: {
      if (json::contains(left, right)) return 0;
      double a = 0, b = 0;
      if (parse_value(left, a) != parsed::good || parse_value(right, b) != parsed::good) return {};
      return a < b ? -1 : 1;
    }
    case kind::text: {
      const auto order = meaning(left).compare(meaning(right));
      return order < 0 ? -1 : order > 0 ? 1 : 0;
    }
    case kind::boolean:
      return left == right ? 0 : left == "false" ? -1 : 1;
    case kind::null:
      return 0;
    default:
      return {};
  }
}

bool holds(const std::string& op, std::string_view left, std::string_view right) {
  const auto order = compare(left, right);
  // null differs from everything else, but is not less or greater.
  if (!order)
    return (op == "!=" || op == "<>") && (json::kind_of(left) == kind::null || json::kind_of(right) == kind::null);
  if (op == "==") return *order == 0;
  if (op == "!=" || op == "<>") return *order != 0;
  if (json::kind_of(left) == kind::null) return op == "<=" || op == ">=";
  if (op == "<") return *order < 0;
  if (op == "<=") return *order <= 0;
  return op == ">" ? *order > 0 : *order >= 0;
}

items items_of(const side& of, std::string_view item, std::deque<std::string>& made) {
  items found;
  if (!of.is_path) return {of.value};
  run(of.steps, 0, item, found, made);
  // Lax: lists are compared by their elements.
  items flat;
  for (const auto one : found) {
    if (json::kind_of(one) != kind::list) {
      flat.push_back(one);
      continue;
    }
    for (json::members each(one); each.next();) flat.push_back(each.value());
  }
  return flat;
}

bool is_true(const condition& of, std::string_view item, std::deque<std::string>& made) {
  switch (of.of) {
    case condition::form::all:
      return is_true(*of.parts[0], item, made) && is_true(*of.parts[1], item, made);
    case condition::form::any:
      return is_true(*of.parts[0], item, made) || is_true(*of.parts[1], item, made);
    case condition::form::none:
      return !is_true(*of.parts[0], item, made);
    case condition::form::exists: {
      items found;
      run(of.left.steps, 0, item, found, made);
      return !found.empty();
    }
    default:
      break;
  }
  const auto right = items_of(of.right, item, made);
  for (const auto a : items_of(of.left, item, made))
    for (const auto b : right) {
      const bool texts = json::kind_of(a) == kind::text && json::kind_of(b) == kind::text;
      if (of.of == condition::form::starts ? texts && meaning(a).starts_with(meaning(b)) : holds(of.op, a, b))
        return true;
    }
  return false;
}

std::int64_t place(std::int64_t written, std::int64_t count) {
  return written > last_element / 2 ? written - last_element + count - 1 : written;
}

void run(const path_steps& steps, std::size_t at, std::string_view value, items& out, std::deque<std::string>& made) {
  if (at == steps.size()) {
    out.push_back(value);
    return;
  }
  const auto& now = steps[at];
  const auto of = json::kind_of(value);
  const bool list = of == kind::list;
  const auto go_on = [&](std::string_view next) { run(steps, at + 1, next, out, made); };
  // Lax: what is asked of members is asked of the elements of a list.
  const bool unwraps = now.of == step::form::member || now.of == step::form::members || now.of == step::form::filter;
  if (unwraps && list) {
    for (json::members each(value); each.next();) {
      if (now.of != step::form::filter && json::kind_of(each.value()) == kind::list) continue;
      if (now.of == step::form::filter) {
        if (is_true(*now.when, each.value(), made)) go_on(each.value());
      } else {
        run(steps, at, each.value(), out, made);
      }
    }
    return;
  }
  switch (now.of) {
    case step::form::member: {
      std::string_view found;
      if (of == kind::object && json::find_member(value, now.name, found)) go_on(found);
      return;
    }
    case step::form::members:
      if (of == kind::object)
        for (json::members each(value); each.next();) go_on(each.value());
      return;
    case step::form::filter:
      if (is_true(*now.when, value, made)) go_on(value);
      return;
    case step::form::elements:
      if (!list) return go_on(value);
      for (json::members each(value); each.next();) go_on(each.value());
      return;
    case step::form::element: {
      const auto count = list ? json::count_of(value) : 1;
      const auto from = place(now.from, count), to = place(now.to, count);
      if (!list) {
        if (from <= 0 && to >= 0) go_on(value);
        return;
      }
      std::int64_t index = 0;
      for (json::members each(value); each.next(); ++index)
        if (index >= from && index <= to) go_on(each.value());
      return;
    }
    case step::form::type:
      return go_on(made.emplace_back('"' + std::string(json::name_of(of)) + '"'));
    case step::form::size:
      return go_on(made.emplace_back(std::to_string(list ? json::count_of(value) : 1)));
  }
}

class path_parser {
 public:
  explicit path_parser(std::string_view text) : text_(text) {}

  result<path_steps> parse() {
    if (take_word("strict"))
      return user_error("not_supported_yet", "the mode strict of a JSON path is not supported yet", "leave it out");
    (void)take_word("lax");
    if (!take("$")) return fault("expected $");
    SLUICE_ASSIGN(auto steps, steps_behind());
    skip();
    if (at_ != text_.size()) return fault("expected the end of the path");
    return steps;
  }

 private:
  error fault(const std::string& wanted) {
    skip();
    const auto rest = std::string(text_.substr(at_, 20));
    return user_error("invalid_pattern",
                      "the JSON path is not valid: " + wanted + ", found " + (rest.empty() ? "the end" : rest),
                      "write '$.items[*].price', or with a condition '$.items[*] ? (@.price > 10)'");
  }
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
  }
  bool take(std::string_view wanted) {
    skip();
    if (!text_.substr(at_).starts_with(wanted)) return false;
    at_ += wanted.size();
    return true;
  }
  static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
  }
  bool take_word(std::string_view wanted) {
    skip();
    const auto end = at_ + wanted.size();
    if (!text_.substr(at_).starts_with(wanted) || (end < text_.size() && is_name(text_[end]))) return false;
    at_ = end;
    return true;
  }
  std::string name() {
    const auto begin = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  /// A text in double quotes, as JSON.
  result<std::string> quoted() {
    const auto begin = at_;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_)
      if (text_[at_] == '\\') ++at_;
    if (at_ >= text_.size()) return fault("expected \" at the end of the text");
    ++at_;
    auto written = std::string(text_.substr(begin, at_ - begin));
    if (!json::valid(written)) return fault("expected a text in double quotes");
    return written;
  }

  result<path_steps> steps_behind() {
    path_steps steps;
    for (;;) {
      if (take("?")) {
        if (!take("(")) return fault("expected ( after ?");
        SLUICE_ASSIGN(auto when, disjunction(0));
        if (!take(")")) return fault("expected ) of the condition");
        steps.push_back({.of = step::form::filter, .when = std::move(when)});
      } else if (take("[")) {
        SLUICE_ASSIGN(auto one, bracket());
        steps.push_back(std::move(one));
      } else if (take(".")) {
        SLUICE_ASSIGN(auto one, member());
        steps.push_back(std::move(one));
      } else {
        return steps;
      }
    }
  }

  result<step> member() {
    skip();
    if (take("**"))
      return user_error("not_supported_yet", "** in a JSON path is not supported yet", "write the way to the value");
    if (take("*")) return step{.of = step::form::members};
    if (at_ < text_.size() && text_[at_] == '"') {
      SLUICE_ASSIGN(const auto written, quoted());
      return step{.name = meaning(written)};
    }
    auto called = name();
    if (called.empty()) return fault("expected a name");
    if (!take("(")) return step{.name = std::move(called)};
    if (!take(")") || (called != "type" && called != "size"))
      return user_error("not_supported_yet", "." + called + "() in a JSON path is not supported yet",
                        "type() and size() are supported");
    return step{.of = called == "type" ? step::form::type : step::form::size};
  }

  result<std::int64_t> index() {
    skip();
    if (take_word("last")) {
      if (!take("-")) return last_element;
      SLUICE_ASSIGN(const auto back, index());
      return last_element - back;
    }
    std::int64_t value = 0;
    const auto begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9' && at_ - begin < 9)
      value = value * 10 + (text_[at_++] - '0');
    if (at_ == begin) return fault("expected a number, last or *");
    return value;
  }

  result<step> bracket() {
    step made{.of = step::form::elements};
    if (!take("*")) {
      made.of = step::form::element;
      SLUICE_ASSIGN(made.from, index());
      made.to = made.from;
      if (take_word("to")) {
        SLUICE_ASSIGN(made.to, index());
      }
    }
    if (!take("]")) return fault("expected ]");
    return made;
  }

  result<side> operand() {
    skip();
    side made;
    if (take("@")) {
      made.is_path = true;
      SLUICE_ASSIGN(made.steps, steps_behind());
      return made;
    }
    if (at_ < text_.size() && text_[at_] == '"') {
      SLUICE_ASSIGN(made.value, quoted());
      return made;
    }
    const auto begin = at_;
    while (at_ < text_.size() && (is_name(text_[at_]) || text_[at_] == '.' || text_[at_] == '-' || text_[at_] == '+'))
      ++at_;
    made.value = std::string(text_.substr(begin, at_ - begin));
    if (!json::valid(made.value)) {
      at_ = begin;
      return fault("expected @, a number, a text, true, false or null");
    }
    return made;
  }

  result<condition_ptr> disjunction(int depth) {
    if (depth > 50) return fault("expected fewer parentheses");
    SLUICE_ASSIGN(auto left, conjunction(depth));
    while (take("||")) {
      SLUICE_ASSIGN(auto right, conjunction(depth));
      left = std::make_shared<const condition>(condition{.of = condition::form::any, .parts = {left, right}});
    }
    return left;
  }
  result<condition_ptr> conjunction(int depth) {
    SLUICE_ASSIGN(auto left, single(depth));
    while (take("&&")) {
      SLUICE_ASSIGN(auto right, single(depth));
      left = std::make_shared<const condition>(condition{.of = condition::form::all, .parts = {left, right}});
    }
    return left;
  }
  result<condition_ptr> single(int depth) {
    skip();
    if (text_.substr(at_).starts_with("!") && !text_.substr(at_).starts_with("!=")) {
      ++at_;
      SLUICE_ASSIGN(auto inner, single(depth + 1));
      return std::make_shared<const condition>(condition{.of = condition::form::none, .parts = {inner}});
    }
    if (take("(")) {
      SLUICE_ASSIGN(auto inner, disjunction(depth + 1));
      if (!take(")")) return fault("expected )");
      return inner;
    }
    if (take_word("exists")) {
      condition made{.of = condition::form::exists};
      if (!take("(")) return fault("expected ( after exists");
      SLUICE_ASSIGN(made.left, operand());
      if (!take(")")) return fault("expected )");
      return std::make_shared<const condition>(std::move(made));
    }
    condition made;
    SLUICE_ASSIGN(made.left, operand());
    if (take_word("starts")) {
      if (!take_word("with")) return fault("expected with after starts");
      made.of = condition::form::starts;
    } else {
      for (const auto* op : {"==", "!=", "<>", "<=", ">=", "<", ">"})
        if (made.op.empty() && take(op)) made.op = op;
      if (made.op.empty()) return fault("expected a comparison such as ==");
    }
    SLUICE_ASSIGN(made.right, operand());
    return std::make_shared<const condition>(std::move(made));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

json_path::json_path() = default;
json_path::~json_path() = default;

result<std::shared_ptr<const json_path>> json_path::parse(std::string_view text) {
  std::shared_ptr<json_path> made(new json_path());
  SLUICE_ASSIGN(made->steps_, path_parser(text).parse());
  return std::shared_ptr<const json_path>(std::move(made));
}

void json_path::find(std::string_view document, std::vector<std::string_view>& out,
                     std::deque<std::string>& made) const {
  run(steps_, 0, document, out, made);
}

}  // namespace sluice::expression
