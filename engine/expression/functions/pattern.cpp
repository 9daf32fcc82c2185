#include "engine/expression/functions/arrow_call.hpp"
#include "engine/expression/functions/utf8.hpp"

namespace sluice::expression {

namespace {

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
    return b.fault(site.args[1].at, "invalid_pattern", "the pattern ends with its escape character",
                   "write it twice to match the character itself");
  if (fold_case)
    for (std::size_t i = 0; i < 2; ++i)
      inputs[i] = b.call("lower", arrow::utf8(), {inputs[i]}, arrow_kernel, with_arrow("utf8_lower"));
  return b.call("like", arrow::boolean(), std::move(inputs), like_kernel,
                {.form = site.args.size() > 2 ? notation::function : notation::infix});
}

node_ptr bind_like(binder& b, const call_site& site) { return like(b, site, false); }
node_ptr bind_ilike(binder& b, const call_site& site) { return like(b, site, true); }

}  // namespace

const std::vector<function>& pattern_functions() {
  static const std::vector<function> all = {
      entry("ilike", "pattern", "text ilike pattern -> boolean", "like, ignoring case", "'Sluice' ilike 'SL%'", "true",
            2, 3, bind_ilike),
      entry("like", "pattern", "text like pattern [escape character] -> boolean",
            "true if the pattern matches: % matches any text, _ one character", "'sluice' like 's_u%'", "true", 2, 3,
            bind_like),
  };
  return all;
}

}  // namespace sluice::expression
