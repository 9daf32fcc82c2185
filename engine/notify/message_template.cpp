#include "engine/notify/message_template.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::notify {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

options look_up(const options& values, std::string_view path) {
  const auto* at = &values;
  while (!path.empty()) {
    const auto dot = path.find('.');
    const auto name = path.substr(0, dot);
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
    if (at->is_array()) {
      std::size_t index = 0;
      const auto [stop, problem] = std::from_chars(name.data(), name.data() + name.size(), index);
      if (problem != std::errc() || stop != name.data() + name.size() || index >= at->size()) return {};
      at = &(*at)[index];
      continue;
    }
    if (!at->is_object()) return {};
    const auto found = at->find(name);
    if (found == at->end()) return {};
    at = &*found;
  }
  return *at;
}

std::string escaped_for_slack(const std::string& text) {
  std::string made;
  for (const char c : text) {
    if (c == '&')
      made += "&amp;";
    else if (c == '<')
      made += "&lt;";
    else if (c == '>')
      made += "&gt;";
    else
      made += c;
  }
  return made;
}

std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  // Not within a character.
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0U) == 0x80U) --most;
  return text.substr(0, most) + "...";
}

/// What stands between {{ and }}: a path and filters.
options value_of(std::string_view written, const options& values) {
  auto bar = written.find('|');
  auto value = look_up(values, trimmed(written.substr(0, bar)));
  while (bar != std::string_view::npos) {
    written = written.substr(bar + 1);
    bar = written.find('|');
    const auto filter = trimmed(written.substr(0, bar));
    auto text = value.is_null() ? std::string() : value.is_string() ? value.text() : value.dump();
    std::size_t most = 0;
    if (filter == "slack")
      text = escaped_for_slack(text);
    else if (std::from_chars(filter.data(), filter.data() + filter.size(), most).ec == std::errc())
      text = cut(std::move(text), most);
    value = std::move(text);
  }
  return value;
}

options fill_text(const std::string& text, const options& values) {
  std::string made;
  std::size_t at = 0;
  while (true) {
    const auto begin = text.find("{{", at);
    const auto end = begin == std::string::npos ? begin : text.find("}}", begin);
    if (end == std::string::npos) break;
    auto value = value_of(std::string_view(text).substr(begin + 2, end - begin - 2), values);
    if (begin == 0 && end + 2 == text.size()) return value;
    made += text.substr(at, begin - at);
    made += value.is_null() ? std::string() : value.is_string() ? value.text() : value.dump();
    at = end + 2;
  }
  return made + text.substr(at);
}

constexpr std::string_view slack = R"json({
  "text": "{{ title | slack | 1000 }}",
  "blocks": [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*{{ title | slack | 500 }}*\n{{ text | slack | 2200 }}"}}
  ]
})json";

constexpr std::string_view teams = R"json({
  "type": "message",
  "attachments": [
    {
      "contentType": "application/vnd.microsoft.card.adaptive",
      "content": {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
          {"type": "TextBlock", "size": "Medium", "weight": "Bolder", "wrap": true, "text": "{{ title | 1000 }}"},
          {"type": "FactSet", "facts": "{{ facts }}"}
        ]
      }
    }
  ]
})json";

constexpr std::string_view pagerduty = R"json({
  "routing_key": "{{ routing_key }}",
  "event_action": "{{ action }}",
  "dedup_key": "{{ episode }}",
  "payload": {
    "summary": "{{ title | 1000 }}",
    "source": "sluice/{{ pipeline }}",
    "severity": "{{ severity }}",
    "timestamp": "{{ time }}",
    "custom_details": "{{ details }}"
  }
})json";

}  // namespace

options fill_template(const options& form, const options& values) {
  if (form.is_string()) return fill_text(form.text(), values);
  if (form.is_array()) {
    auto made = options::array();
    for (const auto& element : form) made.push_back(fill_template(element, values));
    return made;
  }
  if (!form.is_object()) return form;
  auto made = options::object();
  for (const auto& [key, value] : form.items()) made[key] = fill_template(value, values);
  return made;
}

const options& shipped_template(std::string_view name) {
  static const options nothing;
  static const options for_slack = options::parse(slack);
  static const options for_teams = options::parse(teams);
  static const options for_pagerduty = options::parse(pagerduty);
  return name == "slack" ? for_slack : name == "teams" ? for_teams : name == "pagerduty" ? for_pagerduty : nothing;
}

}  // namespace sluice::notify
