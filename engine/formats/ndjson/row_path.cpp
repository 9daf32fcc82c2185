#include "engine/formats/ndjson/row_path.hpp"

#include <algorithm>

namespace sluice::ndjson {

namespace {

using step = row_path::step;

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         static_cast<unsigned char>(c) >= 0x80;
}

class path_parser {
 public:
  explicit path_parser(std::string_view text) : text_(text) {}

  result<row_path> parse() {
    row_path made;
    made.automatic = false;
    const bool rooted = take('$');
    while (at_ < text_.size()) {
      SLUICE_ASSIGN(auto next, one_step(rooted || !made.steps.empty()));
      made.steps.push_back(std::move(next));
    }
    if (!rooted && made.steps.empty()) return fault("expected a path such as items[*], found nothing");
    return made;
  }

 private:
  [[nodiscard]] error fault(std::string message) const {
    auto problem = user_error("invalid_option", std::move(message),
                              "write the way to the list of rows: items[*], data.rows[*], $[*] or [\"a b\"][*]");
    problem.offset = at_;
    return problem;
  }
  bool take(char wanted) {
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  result<step> one_step(bool behind_another) {
    if (take('[')) return bracket();
    if (behind_another && !take('.')) return fault("expected . or [ in the path, found " + rest());
    const auto begin = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    if (at_ == begin) return fault("expected a name in the path, found " + rest());
    return step{.name = std::string(text_.substr(begin, at_ - begin))};
  }

  result<step> bracket() {
    step made;
    if (take('*')) {
      made.of = step::kind::elements;
    } else if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
      const char quote = text_[at_];
      const auto end = text_.find(quote, at_ + 1);
      if (end == std::string_view::npos) return fault("the quoted name in the path is not closed");
      made.name = std::string(text_.substr(at_ + 1, end - at_ - 1));
      at_ = end + 1;
    } else {
      const auto begin = at_;
      made.of = step::kind::element;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9' && at_ - begin < 18)
        made.index = made.index * 10 + (text_[at_++] - '0');
      if (at_ == begin) return fault("expected *, a number or a quoted name in [...], found " + rest());
    }
    if (!take(']')) return fault("expected ] in the path, found " + rest());
    return made;
  }

  [[nodiscard]] std::string rest() const {
    return at_ == text_.size() ? "the end" : std::string(text_.substr(at_, 20));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

result<row_path> parse_row_path(std::string_view text) { return path_parser(text).parse(); }

std::string path_text(const row_path& path, std::size_t count) {
  std::string text = "$";
  for (std::size_t i = 0; i < std::min(count, path.steps.size()); ++i) {
    const auto& one = path.steps[i];
    if (one.of == step::kind::elements)
      text += "[*]";
    else if (one.of == step::kind::element)
      text += "[" + std::to_string(one.index) + "]";
    else if (std::all_of(one.name.begin(), one.name.end(), is_name) && !one.name.empty())
      text += "." + one.name;
    else
      text += "[\"" + one.name + "\"]";
  }
  return text;
}

}  // namespace sluice::ndjson
