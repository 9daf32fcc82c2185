#include "engine/expression/functions/arrow_call.hpp"
#include "engine/expression/functions/utf8.hpp"

#include <arrow/compute/api.h>

namespace sluice::expression {

namespace {

namespace compute = arrow::compute;

// --- LIKE

struct like_step {
  enum class kind { literal, any_character, any_text } what;
  std::string literal;
};

// A pattern cut into literals, _ and %.
struct like_pattern {
  std::vector<like_step> steps;
  bool ends_in_escape = false;
};

like_pattern read_pattern(std::string_view pattern, std::string_view escape) {
  like_pattern made;
  for (std::size_t at = 0; at < pattern.size();) {
    const auto length = character_length(pattern, at);
    auto character = pattern.substr(at, length);
    at += length;
    const bool escaped = !escape.empty() && character == escape;
    if (escaped) {
      if (at == pattern.size()) {
        made.ends_in_escape = true;
        break;
      }
      character = pattern.substr(at, character_length(pattern, at));
      at += character.size();
    }
    using kind = like_step::kind;
    if (!escaped && character == "%") {
      if (made.steps.empty() || made.steps.back().what != kind::any_text) made.steps.push_back({kind::any_text, {}});
    } else if (!escaped && character == "_") {
      made.steps.push_back({kind::any_character, {}});
    } else if (!made.steps.empty() && made.steps.back().what == kind::literal) {
      made.steps.back().literal += character;
    } else {
      made.steps.push_back({kind::literal, std::string(character)});
    }
  }
  return made;
}

// Goes back only to the last %: linear in practice, never exponential.
bool matches(std::string_view text, const std::vector<like_step>& steps) {
  using kind = like_step::kind;
  std::size_t at = 0, step = 0;
  std::size_t retry_step = SIZE_MAX, retry_at = 0;
  const auto advance = [&] {
    if (step == steps.size()) return at == text.size();
    const auto& wanted = steps[step];
    if (wanted.what == kind::literal) {
      if (!text.substr(at).starts_with(wanted.literal)) return false;
      at += wanted.literal.size();
    } else {
      if (at == text.size()) return false;
      at += character_length(text, at);
    }
    ++step;
    return true;
  };
  for (;;) {
    if (step < steps.size() && steps[step].what == kind::any_text) {
      if (++step == steps.size()) return true;
      retry_step = step;
      retry_at = at;
    } else if (advance()) {
      if (step == steps.size() && at == text.size()) return true;
    } else {
      if (retry_step == SIZE_MAX || retry_at >= text.size()) return false;
      if (steps[retry_step].what == kind::literal) {
        // The next place where the literal stands.
        const auto found = text.find(steps[retry_step].literal, retry_at + 1);
        if (found == std::string_view::npos) return false;
        retry_at = found;
      } else {
        retry_at += character_length(text, retry_at);
      }
      at = retry_at;
      step = retry_step;
    }
  }
}

result<array_ptr> like_kernel(call& c) {
  const texts_of from(c.args[0]);
  const texts_of patterns(c.args[1]);
  const auto escape = c.args.size() > 2 ? texts_of(c.args[2])[0] : std::string_view("\\");
  if (c.args[1].constant) {
    const auto pattern = read_pattern(patterns[0], escape);
    return fill_booleans(c, [&](std::int64_t row) { return matches(from[row], pattern.steps); });
  }
  return fill_booleans(c,
                       [&](std::int64_t row) { return matches(from[row], read_pattern(patterns[row], escape).steps); });
}

node_ptr like(binder& b, const call_site& site, bool fold_case) {
  auto inputs = arguments(b, site, {arrow::utf8()});
  if (inputs.empty()) return nullptr;
  std::string escape = "\\";
  if (inputs.size() > 2) {
    const auto written = constant_text(inputs[2]);
    if (!written || count_characters(*written) > 1)
      return b.fault(site.args[2].at, "type_mismatch", "escape expects one character or ''");
    escape = *written;
  }
  if (const auto pattern = constant_text(inputs[1]); pattern && read_pattern(*pattern, escape).ends_in_escape)
    return b.fault(site.args[1].at, "invalid_pattern", "the pattern ends in its escape character",
                   "write it twice to mean itself");
  if (fold_case)
    for (std::size_t i = 0; i < 2; ++i)
      inputs[i] = b.call("lower", arrow::utf8(), {inputs[i]}, arrow_kernel, with_arrow("utf8_lower"));
  return b.call("like", arrow::boolean(), std::move(inputs), like_kernel,
                {.form = site.args.size() > 2 ? notation::function : notation::infix});
}

node_ptr bind_like(binder& b, const call_site& site) { return like(b, site, false); }
node_ptr bind_ilike(binder& b, const call_site& site) { return like(b, site, true); }

// --- regular expressions

// The pattern, which must be known now; checked by running it over nothing.
std::optional<std::string> pattern_of(binder& b, const call_site& site, const std::vector<node_ptr>& inputs) {
  auto pattern = constant_text(inputs[1]);
  if (!pattern) {
    b.fault(site.args[1].at, "not_supported_yet",
            "a regular expression that differs from row to row is not supported yet",
            "write it as a text: x ~ '^[0-9]+$'");
    return std::nullopt;
  }
  const compute::MatchSubstringOptions options(*pattern);
  const auto tried =
      compute::CallFunction("match_substring_regex", {arrow::Datum(make_nulls(arrow::utf8(), 1))}, &options);
  if (tried.ok()) return pattern;
  b.fault(site.args[1].at, "invalid_pattern",
          "'" + *pattern + "' is no regular expression: " + tried.status().message(),
          "the syntax is RE2's: no backreferences or lookaround");
  return std::nullopt;
}

node_ptr regex(binder& b, const call_site& site, bool fold_case) {
  auto inputs = arguments(b, site, {arrow::utf8()});
  if (inputs.empty()) return nullptr;
  const auto pattern = pattern_of(b, site, inputs);
  if (!pattern) return nullptr;
  auto how = with_arrow("match_substring_regex", std::make_shared<compute::MatchSubstringOptions>(*pattern, fold_case));
  how.form = site.name.starts_with("regexp") ? notation::function : notation::infix;
  return b.call(site.name, arrow::boolean(), std::move(inputs), arrow_kernel, std::move(how));
}

node_ptr bind_regex(binder& b, const call_site& site) { return regex(b, site, false); }
node_ptr bind_regex_any_case(binder& b, const call_site& site) { return regex(b, site, true); }

// The first occurrence, or with the flag g all; \1 is the first group.
node_ptr bind_regexp_replace(binder& b, const call_site& site) {
  auto inputs = arguments(b, site, {arrow::utf8()});
  if (inputs.empty()) return nullptr;
  auto pattern = pattern_of(b, site, inputs);
  const auto replacement = constant_text(inputs[2]);
  if (!pattern) return nullptr;
  if (!replacement)
    return b.fault(site.args[2].at, "not_supported_yet",
                   "a replacement that differs from row to row is not supported yet", "write it as a text");
  const auto flags = inputs.size() > 3 ? constant_text(inputs[3]) : std::optional<std::string>("");
  if (!flags || flags->find_first_not_of("gi") != std::string::npos)
    return b.fault(site.args[3].at, "invalid_pattern",
                   "the flags of regexp_replace are g (all occurrences) and i (any case)");
  if (flags->find('i') != std::string::npos) *pattern = "(?i)" + *pattern;
  const std::int64_t most = flags->find('g') != std::string::npos ? -1 : 1;
  auto options = std::make_shared<compute::ReplaceSubstringOptions>(*pattern, *replacement, most);
  const auto tried =
      compute::CallFunction("replace_substring_regex", {arrow::Datum(make_nulls(arrow::utf8(), 1))}, options.get());
  if (!tried.ok())
    return b.fault(site.args[2].at, "invalid_pattern",
                   "'" + *replacement + "' is no replacement: " + tried.status().message());
  return b.call(site.name, arrow::utf8(), std::move(inputs), arrow_kernel,
                with_arrow("replace_substring_regex", std::move(options)));
}

}  // namespace

const std::vector<function>& pattern_functions() {
  static const std::vector<function> all = {
      entry("ilike", "pattern", "text ilike pattern -> boolean", "like, whatever the case of letters",
            "'Sluice' ilike 'SL%'", "true", 2, 3, bind_ilike),
      entry("like", "pattern", "text like pattern [escape character] -> boolean",
            "% stands for any text, _ for one character", "'sluice' like 's_u%'", "true", 2, 3, bind_like),
      entry("regexp_matches", "pattern", "regexp_matches(text, pattern) -> boolean",
            "true where the regular expression (RE2) occurs", "regexp_matches('a1', '[0-9]')", "true", 2, 2,
            bind_regex),
      entry("regexp_replace", "pattern", "regexp_replace(text, pattern, replacement, [flags]) -> text",
            "the first occurrence replaced, with the flag g all, with i in any case; \\1 is the first group",
            "regexp_replace('a1b2', '[0-9]', '-', 'g')", "a-b-", 3, 4, bind_regexp_replace),
      entry("~", "pattern", "text ~ pattern -> boolean", "true where the regular expression (RE2) occurs",
            "'a1' ~ '^[a-z][0-9]$'", "true", 2, 2, bind_regex),
      entry("~*", "pattern", "text ~* pattern -> boolean", "the same, whatever the case of letters", "'A1' ~* '^a'",
            "true", 2, 2, bind_regex_any_case),
  };
  return all;
}

}  // namespace sluice::expression
