#include "engine/lineage/named_columns.hpp"

#include <cctype>

namespace sluice::lineage {

namespace {

struct word {
  std::string text;
  bool quoted = false;
};

bool begins_word(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0; }
bool in_word(char c) { return begins_word(c) || std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '$'; }

class scanner {
 public:
  explicit scanner(std::string_view text) : text_(text) {}

  std::vector<named_column> all() {
    while (at_ < text_.size()) step();
    return std::move(found_);
  }

 private:
  void step() {
    const char c = text_[at_];
    if (c == '\'') return skip_text();
    if (c == '$' || (std::isdigit(static_cast<unsigned char>(c)) != 0)) {
      ++at_;
      return skip_word();
    }
    if (text_.substr(at_, 2) == "::") {
      at_ += 2;
      skip_blanks();
      return skip_word();
    }
    if (begins_word(c) || c == '"') return take_name();
    ++at_;
  }

  void skip_text() {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] != '\'') continue;
      ++at_;
      if (at_ >= text_.size() || text_[at_] != '\'') return;
    }
  }
  void skip_word() {
    while (at_ < text_.size() && in_word(text_[at_])) ++at_;
  }
  void skip_blanks() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }

  std::string take_word() {
    std::string word;
    if (text_[at_] != '"') {
      while (at_ < text_.size() && in_word(text_[at_])) word += text_[at_++];
      return word;
    }
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"' && text_.substr(at_, 2) != "\"\"") break;
      if (text_[at_] == '"') ++at_;
      word += text_[at_];
    }
    ++at_;
    return word;
  }

  void take_name() {
    const bool quoted = text_[at_] == '"';
    std::vector<std::string> parts = {take_word()};
    while (at_ + 1 < text_.size() && text_[at_] == '.' && (begins_word(text_[at_ + 1]) || text_[at_ + 1] == '"')) {
      ++at_;
      parts.push_back(take_word());
    }
    const auto end = at_;
    skip_blanks();
    if (!quoted && parts.size() == 1 && at_ < text_.size() && text_[at_] == '(') return;
    at_ = end;
    // The first word is a unit, or a column of which a field is taken: both are said.
    found_.push_back({{}, parts.front()});
    if (parts.size() > 1) found_.push_back({parts[0], parts[1]});
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<named_column> found_;
};

}  // namespace

std::vector<named_column> named_columns(std::string_view expression) { return scanner(expression).all(); }

}  // namespace sluice::lineage
