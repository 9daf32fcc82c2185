#include "engine/expression/functions/number_format.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::expression {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view ordinal_of(std::string_view number, bool upper) {
  const auto end = number.find('.');
  const auto whole = number.substr(0, end);
  const char last = whole.empty() ? '0' : whole.back();
  const bool teen = whole.size() > 1 && whole[whole.size() - 2] == '1';
  if (!teen && last == '1') return upper ? "ST" : "st";
  if (!teen && last == '2') return upper ? "ND" : "nd";
  if (!teen && last == '3') return upper ? "RD" : "rd";
  return upper ? "TH" : "th";
}

}  // namespace

class number_format_parser {
 public:
  number_format_parser(std::string_view text, std::string& fault) : text_(text), fault_(fault) {}

  std::optional<number_format> run() {
    while (at_ < text_.size())
      if (!next()) return {};
    return std::move(made_);
  }

 private:
  using kind = number_format::item_kind;

  bool refuse(const char* why) {
    fault_ = why;
    return false;
  }
  bool take(std::string_view upper) {
    const auto rest = text_.substr(at_, upper.size());
    if (rest.size() < upper.size()) return false;
    std::string lower(upper);
    for (auto& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    if (rest != upper && rest != lower) return false;
    at_ += upper.size();
    return true;
  }
  void add(kind of, std::string text = {}) { made_.items_.push_back({of, std::move(text)}); }

  bool next() {
    auto& f = made_;
    if (f.scientific_) return refuse("has something after EEEE, which must be the last part");
    if (take("9")) {
      if (f.brackets_) return refuse("has a 9 after PR");
      add(kind::nine);
      if (f.multiplied_) return ++f.shift_, true;
      return ++(f.decimal_ ? f.behind_ : f.before_), true;
    }
    if (take("0")) return zero();
    if (text_[at_] == '.' || text_[at_] == 'D' || text_[at_] == 'd') {
      ++at_;
      if (f.decimal_) return refuse("has more than one decimal point");
      if (f.multiplied_) return refuse("has V and a decimal point");
      f.decimal_ = true;
      return add(kind::point), true;
    }
    if (take(",")) return add(kind::comma), true;
    if (take("EEEE")) {
      if (f.fill_ || f.brackets_ || f.locale_sign_ || f.plus_ || f.minus_ || f.roman_ || f.multiplied_)
        return refuse("has EEEE with something else than digits and a point");
      f.scientific_ = true;
      return true;
    }
    if (take("FM")) return f.fill_ = true;
    if (take("G")) return add(kind::group), true;
    if (take("L")) return add(kind::currency), true;
    if (take("MI")) return sign(f.minus_, kind::minus);
    if (take("PL")) return sign(f.plus_, kind::plus);
    if (take("SG")) {
      if (f.locale_sign_) return refuse("has S and SG");
      f.minus_ = f.plus_ = true;
      return add(kind::sign), true;
    }
    if (take("PR")) {
      if (f.locale_sign_ || f.plus_ || f.minus_) return refuse("has PR with another sign");
      return f.brackets_ = true;
    }
    if (text_.substr(at_).starts_with("RN") || text_.substr(at_).starts_with("rn")) {
      f.lower_roman_ = text_[at_] == 'r';
      at_ += 2;
      return f.roman_ = true;
    }
    if (text_.substr(at_).starts_with("TH")) return at_ += 2, add(kind::ordinal_upper), true;
    if (text_.substr(at_).starts_with("th")) return at_ += 2, add(kind::ordinal), true;
    if (take("V")) {
      if (f.decimal_) return refuse("has V and a decimal point");
      return f.multiplied_ = true;
    }
    if (take("S")) return locale_sign();
    if (take("B")) return true;
    return literal();
  }

  bool zero() {
    auto& f = made_;
    if (f.brackets_) return refuse("has a 0 after PR");
    add(kind::zero);
    if (!f.zeros_ && !f.decimal_) {
      f.zeros_ = true;
      f.zero_start_ = f.before_ + 1;
    }
    ++(f.decimal_ ? f.behind_ : f.before_);
    f.zero_end_ = f.before_ + f.behind_;
    return true;
  }

  bool sign(bool& flag, kind of) {
    if (made_.locale_sign_) return refuse("has S and another sign");
    flag = true;
    add(of);
    return true;
  }

  bool locale_sign() {
    auto& f = made_;
    if (f.locale_sign_) return refuse("has S twice");
    if (f.plus_ || f.minus_ || f.brackets_) return refuse("has S and another sign");
    f.locale_sign_ = true;
    f.sign_behind_ = f.decimal_;
    f.sign_after_ = f.before_;
    return true;
  }

  bool literal() {
    std::string text;
    if (text_[at_] == '"') {
      for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
        if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
        text += text_[at_];
      }
      ++at_;
      // Each character counts for itself where a text is read.
      for (std::size_t from = 0; from < text.size();) {
        auto to = from + 1;
        while (to < text.size() && (static_cast<unsigned char>(text[to]) & 0xc0) == 0x80) ++to;
        add(kind::text, text.substr(from, to - from));
        from = to;
      }
      return true;
    }
    if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] == '"') ++at_;
    const auto begin = at_++;
    while (at_ < text_.size() && (static_cast<unsigned char>(text_[at_]) & 0xc0) == 0x80) ++at_;
    add(kind::text, std::string(text_.substr(begin, at_ - begin)));
    return true;
  }

  std::string_view text_;
  std::string& fault_;
  std::size_t at_ = 0;
  number_format made_;
};

std::optional<number_format> number_format::parse(std::string_view text, std::string& fault) {
  return number_format_parser(text, fault).run();
}

// --- writing ---------------------------------------------------------------------------------------------------------

class number_format::writer {
 public:
  writer(const number_format& f, std::string_view digits, bool negative, std::string& out)
      : f_(f), number_(digits), negative_(negative), out_(out) {
    const auto whole = static_cast<int>(std::min(number_.find('.'), number_.size()));
    const int wanted = f.before_ + f.shift_;
    if (whole < wanted) {
      spaces_ = wanted - whole;
    } else if (whole > wanted) {
      number_.assign(static_cast<std::size_t>(wanted), '#');
      if (f.behind_ > 0 || f.decimal_) number_ += '.' + std::string(static_cast<std::size_t>(f.behind_), '#');
    }
    zero_start_ = f.zero_start_ > 0 ? f.zero_start_ - 1 : 0;
    brackets_ = f.brackets_;
    sign_behind_ = f.sign_behind_;
    if (f.plus_ || f.minus_) {
      // The part writes the sign; of PL alone only the plus.
      signed_ = f.minus_;
    } else {
      if (!negative_ && f.fill_) brackets_ = false;
      signed_ = !negative_ && f.fill_ && !f.locale_sign_;
      if (f.locale_sign_ && !sign_behind_ && wanted == f.sign_after_) sign_behind_ = true;
    }
    count_ = f.behind_ + wanted - 1;
    if (f.fill_ && f.decimal_) find_last_relevant();
    if (!signed_ && spaces_ == 0) ++count_;
  }

  void run() {
    for (const auto& one : f_.items_) {
      switch (one.kind) {
        case item_kind::nine:
        case item_kind::zero:
        case item_kind::point:
          part(one.kind);
          break;
        case item_kind::comma:
        case item_kind::group:
          if (in_number_)
            out_ += ',';
          else if (!f_.fill_)
            out_ += ' ';
          break;
        case item_kind::currency:
          out_ += ' ';
          break;
        case item_kind::ordinal:
        case item_kind::ordinal_upper:
          if (number_[0] != '#' && !negative_ && !f_.decimal_)
            out_ += ordinal_of(number_, one.kind == item_kind::ordinal_upper);
          break;
        case item_kind::minus:
          if (negative_ || !f_.fill_) out_ += negative_ ? '-' : ' ';
          break;
        case item_kind::plus:
          if (!negative_ || !f_.fill_) out_ += negative_ ? ' ' : '+';
          break;
        case item_kind::sign:
          out_ += negative_ ? '-' : '+';
          break;
        case item_kind::text:
          out_ += one.text;
      }
    }
  }

 private:
  // With FM, zeros at the end of the fraction are left out, unless a 0 stands there.
  void find_last_relevant() {
    const auto point = number_.find('.');
    if (point == std::string::npos) return;
    last_ = static_cast<std::ptrdiff_t>(point);
    for (auto at = point + 1; at < number_.size(); ++at)
      if (number_[at] != '0') last_ = static_cast<std::ptrdiff_t>(at);
    if (f_.zero_end_ > spaces_) {
      const auto zero = std::min<std::ptrdiff_t>(std::ssize(number_) - 1, f_.zero_end_ - spaces_);
      last_ = std::max(last_, zero);
    }
  }
  [[nodiscard]] char here() const { return at_ < std::ssize(number_) ? number_[static_cast<std::size_t>(at_)] : '\0'; }
  [[nodiscard]] bool last_is_point() const { return last_ >= 0 && number_[static_cast<std::size_t>(last_)] == '.'; }
  [[nodiscard]] bool blank_zero() const {
    return !f_.zeros_ && at_ == 0 && !number_.empty() && number_[0] == '0' && f_.behind_ != 0;
  }

  void write_sign() {
    if (signed_ || !(now_ >= spaces_ || (f_.zeros_ && zero_start_ == now_)) || (blank_zero() && !last_is_point()))
      return;
    if (f_.locale_sign_) {
      if (sign_behind_) return;
      out_ += negative_ ? '-' : '+';
    } else if (brackets_) {
      out_ += negative_ ? '<' : ' ';
    } else if (negative_ || !f_.fill_) {
      out_ += negative_ ? '-' : ' ';
    }
    signed_ = true;
  }

  void part(item_kind kind) {
    in_number_ = false;
    write_sign();
    if (now_ < spaces_ && (zero_start_ > now_ || !f_.zeros_)) {
      if (!f_.fill_) out_ += ' ';
    } else if (f_.zeros_ && now_ < spaces_) {
      out_ += '0';
      in_number_ = true;
    } else {
      digit(kind);
    }
    auto end = count_ + (spaces_ > 0 ? 1 : 0) + (f_.decimal_ ? 1 : 0);
    if (last_ >= 0 && last_ == at_) end = now_;
    if (now_ + 1 == end) {
      if (signed_ && brackets_)
        out_ += negative_ ? '>' : ' ';
      else if (f_.locale_sign_ && sign_behind_)
        out_ += negative_ ? '-' : '+';
    }
    ++now_;
  }

  void digit(item_kind kind) {
    const char c = here();
    if (c == '.') {
      if (!last_is_point() || f_.fill_) out_ += '.';
    } else if (last_ >= 0 && at_ > last_ && kind != item_kind::zero) {
      // left out
    } else if (blank_zero()) {
      if (!f_.fill_)
        out_ += ' ';
      else if (last_is_point())
        out_ += '0';
    } else if (c != '\0') {
      out_ += c;
      in_number_ = true;
    }
    if (c != '\0') ++at_;
  }

  const number_format& f_;
  std::string number_;
  bool negative_;
  std::string& out_;
  int spaces_ = 0;
  int zero_start_ = 0;
  int count_ = 0;
  int now_ = 0;
  std::ptrdiff_t at_ = 0;
  std::ptrdiff_t last_ = -1;
  bool signed_ = false;
  bool brackets_ = false;
  bool sign_behind_ = false;
  bool in_number_ = false;
};

void number_format::write(std::string& out, std::string_view digits, bool negative) const {
  writer(*this, digits, negative, out).run();
}

void number_format::write_roman(std::string& out, std::optional<int> value) const {
  std::string made;
  if (!value || *value < 1 || *value > 3999) {
    made.assign(15, '#');
  } else {
    constexpr std::pair<int, const char*> parts[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"},
                                                     {90, "XC"},  {50, "L"},   {40, "XL"}, {10, "X"},   {9, "IX"},
                                                     {5, "V"},    {4, "IV"},   {1, "I"}};
    int rest = *value;
    for (const auto& [number, letters] : parts)
      for (; rest >= number; rest -= number) made += letters;
  }
  if (lower_roman_)
    for (auto& c : made) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  if (!fill_ && made.size() < 15) out.append(15 - made.size(), ' ');
  out += made;
}

// --- reading ---------------------------------------------------------------------------------------------------------

class number_format::reader {
 public:
  reader(const number_format& f, std::string_view text) : f_(f), text_(text) {}

  bool run(std::string& out) {
    for (const auto& one : f_.items_) {
      if (done()) break;
      switch (one.kind) {
        case item_kind::nine:
        case item_kind::zero:
        case item_kind::point:
          part(one.kind);
          ++at_;
          break;
        case item_kind::comma:
        case item_kind::group:
          if (text_[at_] == ',') ++at_;
          break;
        case item_kind::ordinal:
        case item_kind::ordinal_upper:
          if (!f_.decimal_ && sign_ != '-') skip_others(2);
          break;
        case item_kind::text:
          skip_character();
          break;
        default:
          skip_others(1);
      }
    }
    while (!digits_.empty() && digits_.back() == '.') digits_.pop_back();
    if (digits_.find_first_of("0123456789") == std::string::npos) return false;
    out = sign_ == '-' ? "-" + digits_ : digits_;
    return true;
  }

 private:
  [[nodiscard]] bool done() const { return at_ >= text_.size(); }
  void skip_character() {
    ++at_;
    while (!done() && (static_cast<unsigned char>(text_[at_]) & 0xc0) == 0x80) ++at_;
  }
  void skip_others(int count) {
    for (; count > 0 && !done() && std::strchr("0123456789.,+-", text_[at_]) == nullptr; --count) skip_character();
  }
  void read_sign_in_front(item_kind kind) {
    if (sign_ != ' ' || kind == item_kind::point || before_ + behind_ > 0) return;
    const bool minus = text_[at_] == '-' || (f_.brackets_ && text_[at_] == '<');
    if (f_.locale_sign_ && f_.sign_behind_) return;
    if (minus || text_[at_] == '+') {
      sign_ = minus ? '-' : '+';
      ++at_;
    }
  }
  void part(item_kind kind) {
    if (text_[at_] == ' ') ++at_;
    if (done()) return;
    read_sign_in_front(kind);
    if (done()) return;
    bool read = false;
    if (is_digit(text_[at_])) {
      if (point_ && behind_ == f_.behind_) return;
      digits_ += text_[at_];
      ++(point_ ? behind_ : before_);
      read = true;
    } else if (f_.decimal_ && !point_ && text_[at_] == '.') {
      digits_ += '.';
      point_ = read = true;
    }
    if (sign_ != ' ' || before_ + behind_ == 0) return;
    if (f_.locale_sign_ && read && at_ + 1 < text_.size() && !is_digit(text_[at_ + 1])) {
      const char next = text_[at_ + 1];
      if (next != '-' && next != '+') return;
      sign_ = next;
      ++at_;
    } else if (!read && !f_.locale_sign_ && (f_.plus_ || f_.minus_)) {
      if (text_[at_] == '-' || text_[at_] == '+') sign_ = text_[at_];
    }
  }

  const number_format& f_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::string digits_;
  char sign_ = ' ';
  int before_ = 0;
  int behind_ = 0;
  bool point_ = false;
};

bool number_format::read(std::string_view text, std::string& digits) const { return reader(*this, text).run(digits); }

}  // namespace sluice::expression
