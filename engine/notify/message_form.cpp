#include "engine/notify/message_form.hpp"

#include "engine/notify/wording.hpp"

#include <array>
#include <cstdio>

namespace sluice::notify {

message_form::message_form(const options& own) {
  if (!own.is_object()) return;  // a path alone
  binary_ = own.value("mode", "") == "binary";
  if (own.value("format", "") == "openlineage")
    lineage_ = std::make_shared<lineage::event_maker>(own.value("namespace", "sluice"));
}

result<std::optional<formed_message>> message_form::form(const notice& what) const {
  if (lineage_) {
    SLUICE_ASSIGN(const auto event, lineage_->make(what));
    if (event.is_null()) return std::optional<formed_message>();
    return std::optional(formed_message{event.dump(), "application/json"});
  }
  const auto event = to_json(what);
  if (!binary_) return std::optional(formed_message{event.dump(), "application/cloudevents+json; charset=utf-8"});
  formed_message made{event["data"].dump(), "application/json"};
  for (const auto& [name, value] : event.items())
    if (name != "data" && name != "datacontenttype") made.attributes.emplace_back(name, value.text());
  return std::optional(std::move(made));
}

std::vector<field_spec> with_form(std::vector<field_spec> own, bool binary) {
  own.push_back({.name = "format",
                 .help = "cloudevents, or openlineage: run events of OpenLineage",
                 .default_value = "cloudevents",
                 .choices = {"cloudevents", "openlineage"}});
  own.push_back(
      {.name = "namespace", .help = "with format: openlineage, the namespace of jobs", .default_value = "sluice"});
  if (binary)
    own.push_back({.name = "mode",
                   .help = "of CloudEvents; binary: attributes are headers, and the body is the data",
                   .default_value = "structured",
                   .choices = {"structured", "binary"}});
  return own;
}

delivery_attempt not_told() {
  return {.what = delivery_attempt::outcome::delivered, .answer = "no event of OpenLineage: nothing is sent"};
}

std::string header_text(const std::string& value) {
  std::string text;
  for (const unsigned char c : value) {
    if (c > 0x20 && c < 0x7f && c != '"' && c != '%') {
      text += static_cast<char>(c);
      continue;
    }
    std::array<char, 4> escaped = {};
    std::snprintf(escaped.data(), escaped.size(), "%%%02X", c);
    text += escaped.data();
  }
  return text;
}

}  // namespace sluice::notify
