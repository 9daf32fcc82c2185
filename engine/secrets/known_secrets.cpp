#include "engine/secrets/known_secrets.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>

namespace sluice::secrets {

namespace {

/// Stands for the $ of a text that looks like a reference itself.
constexpr std::string_view dollar = "${secret:}";

struct registry {
  std::mutex writing;
  std::atomic<const known_secrets*> now = nullptr;
  std::vector<std::unique_ptr<const known_secrets>> all;  ///< readers have no lock, so none is ever freed
};

registry& the_registry() {
  static auto& made = *new registry;  // used until the very end of the process
  return made;
}

bool is_known(const known_secrets* all, const std::string& name, const std::string& value) {
  if (all == nullptr) return false;
  const auto found = all->values.find(name);
  return found != all->values.end() && found->second == value;
}

std::string doubled(const std::string& value, char quote) {
  std::string form;
  for (const char c : value) form.append(c == quote ? 2 : 1, c);
  return form;
}

void add_form(std::vector<known_secret>& forms, known_secret made) {
  if (std::none_of(forms.begin(), forms.end(), [&](const auto& one) { return one.form == made.form; }))
    forms.push_back(std::move(made));
}

error unset(const std::string& name) {
  return user_error("missing_secret", "the secret " + name + " is part of what is kept, and is not known here");
}

}  // namespace

std::string reference_to(std::string_view name) {
  std::string text(reference_begin);
  text += name;
  return text += '}';
}

bool has_reference(std::string_view text) { return text.find(reference_begin) != std::string_view::npos; }

void remember(const std::string& name, const std::string& value) {
  auto& in = the_registry();
  if (is_known(known(), name, value)) return;
  const std::lock_guard hold(in.writing);
  const auto* before = known();
  auto made = before == nullptr ? std::make_unique<known_secrets>() : std::make_unique<known_secrets>(*before);
  made->values[name] = value;
  if (value.size() >= shortest_masked) {
    add_form(made->masked, {name, value});
    for (const char quote : {'\'', '"'}) add_form(made->masked, {name, doubled(value, quote), false});
  }
  std::stable_sort(made->masked.begin(), made->masked.end(),
                   [](const auto& a, const auto& b) { return a.form.size() > b.form.size(); });
  in.now.store(made.get(), std::memory_order_release);
  in.all.push_back(std::move(made));
}

const known_secrets* known() noexcept { return the_registry().now.load(std::memory_order_acquire); }

std::string hide(std::string text) {
  static const std::vector<known_secret> none;
  const auto* all = known();
  const auto& masked = all == nullptr ? none : all->masked;
  const bool looks_like_one = has_reference(text);
  if (!looks_like_one && masked.empty()) return text;
  std::string hidden;
  for (std::size_t at = 0; at < text.size();) {
    const auto rest = std::string_view(text).substr(at);
    const auto found = std::find_if(masked.begin(), masked.end(), [&](const known_secret& one) {
      return one.is_value && rest.starts_with(one.form);
    });
    if (found != masked.end()) {
      hidden += reference_to(found->name);
      at += found->form.size();
    } else if (looks_like_one && rest.starts_with(reference_begin)) {
      hidden += dollar;
      ++at;
    } else {
      hidden += text[at++];
    }
  }
  return hidden;
}

status reveal(std::string& text) {
  if (!has_reference(text)) return {};
  static const known_secrets none;
  const auto* all = known() == nullptr ? &none : known();
  std::string revealed;
  for (std::size_t at = 0; at < text.size();) {
    const auto end =
        text.compare(at, reference_begin.size(), reference_begin) == 0 ? text.find('}', at) : std::string::npos;
    if (end == std::string::npos) {
      revealed += text[at++];
      continue;
    }
    const auto name = text.substr(at + reference_begin.size(), end - at - reference_begin.size());
    at = end + 1;
    if (name.empty()) {
      revealed += '$';
      continue;
    }
    const auto found = all->values.find(name);
    if (found == all->values.end()) return unset(name);
    revealed += found->second;
  }
  text = std::move(revealed);
  return {};
}

}  // namespace sluice::secrets
