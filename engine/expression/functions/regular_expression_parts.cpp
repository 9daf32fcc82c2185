// Parts that regular expressions match: regexp_match, regexp_substr, regexp_count, regexp_instr, regexp_like,
// regexp_split_to_array, substring(x from pattern). They search as PostgreSQL 15's setup_regexp_matches.
#include "engine/expression/functions/matchers.hpp"
#include "engine/expression/functions/parts.hpp"

#include <arrow/builder.h>

namespace sluice::expression {

namespace {

using regex::matcher;
using regex::span;

bool is_there(const span& of) { return of.begin != std::string_view::npos; }
std::string_view part(std::string_view text, const span& of) { return text.substr(of.begin, of.end - of.begin); }

// Calls visit(match, groups) for each match from a byte on, until it is false. With `inner`, those are passed over that
// are empty at the ends of the text or right behind another match.
template <class Visit>
void each_match(matcher& with, std::string_view text, std::size_t from, bool inner, Visit&& visit) {
  span match;
  std::vector<span> groups;
  std::size_t before = 0;
  while (from <= text.size() && with.find(text, from, match, &groups)) {
    if ((!inner || (match.begin < text.size() && match.end > before)) && !visit(match, groups)) return;
    before = from = match.end;
    if (match.begin == match.end) from += from < text.size() ? character_length(text, from) : 1;
  }
}

std::int64_t characters_before(std::string_view text, std::size_t byte) {
  return count_characters(text.substr(0, byte));
}

// The row's pattern ready to match; null where it can't be used, which is then a failure.
class patterns_of {
 public:
  patterns_of(call& c, row_failures& failures)
      : how_(*static_cast<const prepared*>(c.state)), texts_(c.args[1]), ready_(how_), failures_(failures) {}
  matcher* operator[](std::int64_t row) {
    auto* const found = ready_.of(texts_[row], problem_);
    if (found == nullptr) failures_.add(row, "invalid_pattern", problem_);
    return found;
  }

 private:
  const prepared& how_;
  texts_of texts_;
  matchers ready_;
  row_failures& failures_;
  std::string problem_;
};

// A number argument where it is given, else 1.
class numbers_of {
 public:
  numbers_of(const call& c, std::size_t index, std::int64_t otherwise) : otherwise_(otherwise) {
    if (index < c.args.size()) values_.emplace(c.args[index]);
  }
  std::int64_t operator[](std::int64_t row) const { return values_ ? (*values_)[row] : otherwise_; }

 private:
  std::optional<column_of<std::int64_t>> values_;
  std::int64_t otherwise_;
};

bool in_range(row_failures& failures, std::int64_t row, const char* name, std::int64_t value, std::int64_t least) {
  if (value >= least) return true;
  failures.add(
      row, "out_of_range",
      std::string("the ") + name + " must be " + std::to_string(least) + " or more, found " + std::to_string(value));
  return false;
}

// The byte of the character that the search starts with; behind the end where there is none.
std::size_t start_of(std::string_view text, std::int64_t start) {
  const auto byte = byte_of_character(text, start - 1);
  return byte == text.size() && start - 1 > count_characters(text) ? text.size() + 1 : byte;
}

// --- kernels

// Appends texts, or nulls; rows that failed are null too.
template <class Work>
result<array_ptr> optional_texts(call& c, Work&& work) {
  const auto validity = all_valid(c.args, c.rows);
  arrow::StringBuilder out;
  std::int64_t done = 0;
  arrow::Status good;
  for_valid(validity, c.rows, [&](std::int64_t row) {
    if (good.ok() && row > done) good = out.AppendNulls(row - done);
    done = row + 1;
    const std::optional<std::string_view> value = work(row);
    if (good.ok()) good = value ? out.Append(*value) : out.AppendNull();
  });
  if (good.ok()) good = out.AppendNulls(c.rows - done);
  SLUICE_TRY_ARROW(good, "match texts");
  SLUICE_ASSIGN_ARROW(auto made, out.Finish(), "match texts");
  return made;
}

// substring(x from pattern): the first group where there is one, else the match.
result<array_ptr> substring_kernel(call& c) {
  const texts_of from(c.args[0]);
  row_failures failures(c);
  patterns_of patterns(c, failures);
  return optional_texts(c, [&](std::int64_t row) -> std::optional<std::string_view> {
    auto* const with = patterns[row];
    span match;
    std::vector<span> groups;
    if (with == nullptr || !with->find(from[row], 0, match, &groups)) return {};
    const auto& wanted = groups.size() > 1 ? groups[1] : match;
    return is_there(wanted) ? std::optional(part(from[row], wanted)) : std::nullopt;
  });
}

// regexp_substr(text, pattern, start, n, flags, group)
result<array_ptr> substr_kernel(call& c) {
  const texts_of from(c.args[0]);
  row_failures failures(c);
  patterns_of patterns(c, failures);
  const numbers_of start(c, 2, 1), number(c, 3, 1), group(c, 5, 0);
  return optional_texts(c, [&](std::int64_t row) -> std::optional<std::string_view> {
    std::optional<std::string_view> found;
    auto* const with = patterns[row];
    if (with == nullptr || !in_range(failures, row, "start", start[row], 1) ||
        !in_range(failures, row, "number of the match", number[row], 1) ||
        !in_range(failures, row, "number of the group", group[row], 0))
      return found;
    auto left = number[row];
    each_match(*with, from[row], start_of(from[row], start[row]), false,
               [&](const span& match, const std::vector<span>& groups) {
                 if (--left > 0) return true;
                 const auto at = static_cast<std::size_t>(group[row]);
                 const auto wanted = at == 0 ? match : at < groups.size() ? groups[at] : span{};
                 if (is_there(wanted)) found = part(from[row], wanted);
                 return false;
               });
    return found;
  });
}

template <class Work>
result<array_ptr> count_kernel_of(call& c, Work&& work) {
  const texts_of from(c.args[0]);
  row_failures failures(c);
  patterns_of patterns(c, failures);
  const numbers_of start(c, 2, 1);
  return fill_rows<std::int32_t>(c, failures, [&](std::int64_t row, std::int32_t& out) {
    auto* const with = patterns[row];
    if (with == nullptr || !in_range(failures, row, "start", start[row], 1)) return;
    work(failures, row, *with, from[row], start_of(from[row], start[row]), out);
  });
}

result<array_ptr> count_kernel(call& c) {
  return count_kernel_of(
      c, [](row_failures&, std::int64_t, matcher& with, std::string_view text, std::size_t from, std::int32_t& out) {
        each_match(with, text, from, false, [&](const span&, const std::vector<span>&) { return ++out, true; });
      });
}

// regexp_instr(text, pattern, start, n, endoption, flags, group)
result<array_ptr> instr_kernel(call& c) {
  const numbers_of number(c, 3, 1), end(c, 4, 0), group(c, 6, 0);
  return count_kernel_of(c, [&](row_failures& failures, std::int64_t row, matcher& with, std::string_view text,
                                std::size_t from, std::int32_t& out) {
    if (!in_range(failures, row, "number of the match", number[row], 1) ||
        !in_range(failures, row, "number of the group", group[row], 0))
      return;
    if (end[row] != 0 && end[row] != 1)
      return failures.add(
          row, "out_of_range",
          "regexp_instr gives the start (0) or what follows the end (1), found " + std::to_string(end[row]));
    auto left = number[row];
    each_match(with, text, from, false, [&](const span& match, const std::vector<span>& groups) {
      if (--left > 0) return true;
      const auto at = static_cast<std::size_t>(group[row]);
      const auto wanted = at == 0 ? match : at < groups.size() ? groups[at] : span{};
      if (is_there(wanted))
        out = static_cast<std::int32_t>(characters_before(text, end[row] == 1 ? wanted.end : wanted.begin)) + 1;
      return false;
    });
  });
}

result<array_ptr> like_kernel(call& c) {
  const texts_of from(c.args[0]);
  row_failures failures(c);
  patterns_of patterns(c, failures);
  const auto validity = all_valid(c.args, c.rows);
  auto bits = allocate_bitmap(c.rows);
  std::memset(bits->mutable_data(), 0, static_cast<std::size_t>(bits->size()));
  for_valid(validity, c.rows, [&](std::int64_t row) {
    auto* const with = patterns[row];
    if (with != nullptr && with->occurs(from[row])) set_bit(bits->mutable_data(), row);
  });
  return make_booleans(c.rows, std::move(bits), failures.apply(validity));
}

// The groups of the first match, or the match where the pattern has none.
result<array_ptr> match_kernel(call& c) {
  const texts_of from(c.args[0]);
  row_failures failures(c);
  patterns_of patterns(c, failures);
  return build_text_lists(c, [&](std::int64_t row, std::vector<std::optional<std::string_view>>& out) {
    auto* const with = patterns[row];
    span match;
    std::vector<span> groups;
    if (with == nullptr || !with->find(from[row], 0, match, &groups)) return false;
    if (groups.size() <= 1) out.emplace_back(part(from[row], match));
    for (std::size_t i = 1; i < groups.size(); ++i)
      out.push_back(is_there(groups[i]) ? std::optional(part(from[row], groups[i])) : std::nullopt);
    return true;
  });
}

result<array_ptr> split_kernel(call& c) {
  const texts_of from(c.args[0]);
  row_failures failures(c);
  patterns_of patterns(c, failures);
  return build_text_lists(c, [&](std::int64_t row, std::vector<std::optional<std::string_view>>& out) {
    auto* const with = patterns[row];
    if (with == nullptr) return false;
    std::size_t done = 0;
    each_match(*with, from[row], 0, true, [&](const span& match, const std::vector<span>&) {
      out.emplace_back(from[row].substr(done, match.begin - done));
      done = match.end;
      return true;
    });
    out.emplace_back(from[row].substr(done));
    return true;
  });
}

// --- binding

// Binds a function whose second argument is a pattern and whose argument `flags` (0: none) holds flags.
node_ptr bind_pattern(binder& b, const call_site& site, std::vector<type_ptr> types, std::size_t flags,
                      const type_ptr& gives, kernel run) {
  auto inputs = arguments(b, site, types);
  if (inputs.empty()) return nullptr;
  auto how = std::make_shared<prepared>();
  if (flags > 0 && flags < inputs.size()) {
    const auto text = constant_text(inputs[flags]);
    char unknown = 0;
    if (!text || !regex::apply_flags(*text, how->how, unknown))
      return b.fault(site.args[flags].at, "invalid_pattern",
                     "the flags of " + site.name + " are one or more of i (ignore case), c, m, n, p, q, s, t, w, x");
  }
  if (!prepare(b, site, inputs[1], *how)) return nullptr;
  return b.call(site.name, gives, std::move(inputs), run, {.state = how});
}

const type_ptr& t() { return arrow::utf8(); }
const type_ptr& n() { return arrow::int64(); }

node_ptr bind_substr(binder& b, const call_site& site) {
  return bind_pattern(b, site, {t(), t(), n(), n(), t(), n()}, 4, t(), substr_kernel);
}
node_ptr bind_count(binder& b, const call_site& site) {
  return bind_pattern(b, site, {t(), t(), n(), t()}, 3, arrow::int32(), count_kernel);
}
node_ptr bind_instr(binder& b, const call_site& site) {
  return bind_pattern(b, site, {t(), t(), n(), n(), n(), t(), n()}, 5, arrow::int32(), instr_kernel);
}
node_ptr bind_like(binder& b, const call_site& site) {
  return bind_pattern(b, site, {t(), t(), t()}, 2, arrow::boolean(), like_kernel);
}
node_ptr bind_match(binder& b, const call_site& site) {
  return bind_pattern(b, site, {t(), t(), t()}, 2, arrow::list(t()), match_kernel);
}
node_ptr bind_split(binder& b, const call_site& site) {
  return bind_pattern(b, site, {t(), t(), t()}, 2, arrow::list(t()), split_kernel);
}

}  // namespace

node_ptr bind_substring_of_pattern(binder& b, const call_site& site) {
  return bind_pattern(b, site, {t(), t()}, 0, t(), substring_kernel);
}

const std::vector<function>& regular_expression_part_functions() {
  static const std::vector<function> all = {
      entry("regexp_count", "pattern", "regexp_count(text, pattern [, start [, flags]]) -> integer",
            "number of matches", "regexp_count('a1b22', '[0-9]+')", "2", 2, 4, bind_count),
      entry("regexp_instr", "pattern",
            "regexp_instr(text, pattern [, start [, n [, end [, flags [, group]]]]]) -> integer",
            "position of match n, from 1, or with end = 1 of what follows it; 0 without a match",
            "regexp_instr('ab12', '[0-9]+')", "3", 2, 7, bind_instr),
      entry("regexp_like", "pattern", "regexp_like(text, pattern [, flags]) -> boolean",
            "true if the pattern matches a part of the text", "regexp_like('AB', 'b', 'i')", "true", 2, 3, bind_like),
      entry(
          "regexp_match", "pattern", "regexp_match(text, pattern [, flags]) -> text[]",
          "what the groups of the first match hold, or the match where the pattern has no groups; null without a match",
          "regexp_match('k=12', '(\\w)=(\\d+)')", "[\"k\",\"12\"]", 2, 3, bind_match),
      entry("regexp_split_to_array", "pattern", "regexp_split_to_array(text, pattern [, flags]) -> text[]",
            "the parts between the matches", "regexp_split_to_array('a, b;c', '[,;] *')", "[\"a\",\"b\",\"c\"]", 2, 3,
            bind_split),
      entry("regexp_substr", "pattern", "regexp_substr(text, pattern [, start [, n [, flags [, group]]]]) -> text",
            "match n, or a group of it; null without a match", "regexp_substr('a1b22', '[0-9]+', 1, 2)", "22", 2, 6,
            bind_substr),
  };
  return all;
}

}  // namespace sluice::expression
