// Regular expressions: ~, ~*, regexp_matches and regexp_replace.
#include "engine/expression/functions/matchers.hpp"

namespace sluice::expression {

namespace {

using regex::matcher;
using regex::replacement;

result<array_ptr> match_kernel(call& c) {
  const auto& how = *static_cast<const prepared*>(c.state);
  const texts_of from(c.args[0]), patterns(c.args[1]);
  matchers ready(how);
  row_failures failures(c);
  const auto validity = all_valid(c.args, c.rows);
  auto bits = allocate_bitmap(c.rows);
  std::memset(bits->mutable_data(), 0, static_cast<std::size_t>(bits->size()));
  std::string problem;
  for_valid(validity, c.rows, [&](std::int64_t row) {
    auto* const one = ready.of(patterns[row], problem);
    if (one == nullptr) return failures.add(row, "invalid_pattern", problem);
    if (one->occurs(from[row])) set_bit(bits->mutable_data(), row);
  });
  return make_booleans(c.rows, std::move(bits), failures.apply(validity));
}

// As regexp_replace of PostgreSQL goes on: behind a match, and behind a character where the match was empty.
void replace(std::string& out, std::string_view text, matcher& with, const replacement& by, bool all) {
  std::size_t from = 0, done = 0;
  regex::span match;
  std::vector<regex::span> groups;
  while (with.find(text, from, match, by.needs_groups() ? &groups : nullptr)) {
    out += text.substr(done, match.begin - done);
    by.append(out, text, match, groups);
    done = from = match.end;
    if (!all) break;
    if (match.begin == match.end) from += from < text.size() ? character_length(text, from) : 1;
  }
  out += text.substr(done);
}

result<array_ptr> replace_kernel(call& c) {
  const auto& how = *static_cast<const prepared*>(c.state);
  const texts_of from(c.args[0]), patterns(c.args[1]), replacements(c.args[2]);
  matchers ready(how);
  row_failures failures(c);
  const auto validity = all_valid(c.args, c.rows);
  std::string text, problem;
  SLUICE_ASSIGN(auto built, build_texts(c.type, c.rows, validity, [&](std::int64_t row, text_builder& out) {
                  auto* const one = ready.of(patterns[row], problem);
                  if (one == nullptr) return failures.add(row, "invalid_pattern", problem);
                  text.clear();
                  if (how.replacing)
                    replace(text, from[row], *one, *how.replacing, how.all);
                  else
                    replace(text, from[row], *one, replacement(replacements[row]), how.all);
                  out.append(text);
                }));
  if (failures.empty()) return built;
  auto data = built->data()->Copy();
  data->buffers[0] = failures.apply(validity);
  data->null_count = arrow::kUnknownNullCount;
  return arrow::MakeArray(std::move(data));
}

node_ptr match(binder& b, const call_site& site, bool any_case) {
  auto inputs = arguments(b, site, {arrow::utf8()});
  if (inputs.empty()) return nullptr;
  auto how = std::make_shared<prepared>();
  how->how.ignore_case = any_case;
  if (!prepare(b, site, inputs[1], *how)) return nullptr;
  return b.call(site.name, arrow::boolean(), std::move(inputs), match_kernel,
                {.form = site.name.starts_with("regexp") ? notation::function : notation::infix, .state = how});
}

node_ptr bind_match(binder& b, const call_site& site) { return match(b, site, false); }
node_ptr bind_match_any_case(binder& b, const call_site& site) { return match(b, site, true); }

// The first occurrence, or with the flag g all; \1 is the first group.
node_ptr bind_replace(binder& b, const call_site& site) {
  auto inputs = arguments(b, site, {arrow::utf8()});
  if (inputs.empty()) return nullptr;
  auto how = std::make_shared<prepared>();
  auto flags = inputs.size() > 3 ? constant_text(inputs[3]) : std::optional<std::string>("");
  if (flags && flags->find('g') != std::string::npos) {
    how->all = true;
    std::erase(*flags, 'g');
  }
  char unknown = 0;
  if (!flags || !regex::apply_flags(*flags, how->how, unknown))
    return b.fault(
        site.args[3].at, "invalid_pattern",
        "the flags of regexp_replace are one or more of g (all matches), i (ignore case), c, m, n, p, q, s, t, w, x");
  if (!prepare(b, site, inputs[1], *how)) return nullptr;
  if (const auto text = constant_text(inputs[2])) how->replacing = std::make_shared<const replacement>(*text);
  return b.call(site.name, arrow::utf8(), std::move(inputs), replace_kernel, {.state = how});
}

}  // namespace

const std::vector<function>& regular_expression_functions() {
  static const std::vector<function> all = {
      entry("regexp_matches", "pattern", "regexp_matches(text, pattern) -> boolean",
            "true if the regular expression (PostgreSQL's syntax) matches a part of the text",
            "regexp_matches('a1', '[0-9]')", "true", 2, 2, bind_match),
      entry("regexp_replace", "pattern", "regexp_replace(text, pattern, replacement, [flags]) -> text",
            "replaces the first match, with flag g all matches, with flag i ignoring case; \\1 is the first group, \\& "
            "the whole match",
            "regexp_replace('a1b2', '[0-9]', '-', 'g')", "a-b-", 3, 4, bind_replace),
      entry("~", "pattern", "text ~ pattern -> boolean",
            "true if the regular expression (PostgreSQL's syntax) matches a part of the text", "'a1' ~ '^[a-z][0-9]$'",
            "true", 2, 2, bind_match),
      entry("~*", "pattern", "text ~* pattern -> boolean", "the same, ignoring case", "'A1' ~* '^a'", "true", 2, 2,
            bind_match_any_case),
  };
  return all;
}

}  // namespace sluice::expression
