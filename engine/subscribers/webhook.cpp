#include "engine/clients/http/post.hpp"
#include "engine/component/component.hpp"
#include "engine/notify/channels.hpp"
#include "engine/notify/message_form.hpp"
#include "engine/notify/message_template.hpp"
#include "engine/notify/signature.hpp"
#include "engine/notify/subscriber.hpp"
#include "engine/notify/wording.hpp"
#include "engine/secrets/known_secrets.hpp"

#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace sluice {

namespace {

struct settings {
  std::string url;
  std::vector<notify::webhook_key> keys;  ///< of signatures
  options form;                           ///< null: the CloudEvent itself
  std::string routing_key;
  bool allow_private = false;
  std::string bearer;
  notify::message_form shape{options()};
};

std::string episode_of(const notice& what) {
  const auto alert = what.body.is_object() ? what.body.value("alert", "") : std::string();
  return "sluice/" + what.pipeline + "/" + (alert.empty() ? what.id : alert);
}

options values_for(const notice& what, const settings& how) {
  auto facts = options::array();
  options details = options::object();
  for (const auto& [label, value] : notify::facts_of(what)) {
    facts.push_back({{"title", label}, {"value", value}});
    details[label] = value;
  }
  const auto json = notify::to_json(what);
  return {{"id", what.id},
          {"kind", what.kind},
          {"title", notify::title_of(what)},
          {"text", notify::text_of(what)},
          {"facts", std::move(facts)},
          {"details", std::move(details)},
          {"severity", notify::severity_of(what)},
          {"pipeline", what.pipeline},
          {"rule", what.rule},
          {"channel", what.channel},
          {"time", json["time"]},
          {"count", what.count},
          {"action", what.kind == "resolved" ? "resolve" : "trigger"},
          {"episode", episode_of(what)},
          {"routing_key", how.routing_key},
          {"replay", what.replay},
          {"event", store::cloud_event(what.events.back())},
          {"message", json}};
}

class webhook final : public subscriber {
 public:
  explicit webhook(settings how) : how_(std::move(how)) {}

  delivery_attempt deliver(const notice& what) override {
    auto request = request_for(what);
    if (!request.ok()) return {.answer = request.problem().message};
    if (!*request) return notify::not_told();
    return outcome_of(http_.post(**request));
  }

  void interrupt() noexcept override { http_.interrupt(); }

 private:
  result<std::optional<http::post_request>> request_for(const notice& what) const {
    http::post_request request;
    request.url = how_.url;
    request.limit = delivery_limit;
    request.allow_private = how_.allow_private;
    if (how_.form.is_null()) {
      SLUICE_ASSIGN(auto formed, how_.shape.form(what));
      if (!formed) return std::optional<http::post_request>();
      request.body = std::move(formed->body);
      request.headers = {"content-type: " + formed->content_type};
      for (const auto& [name, value] : formed->attributes)
        request.headers.push_back("ce-" + name + ": " + notify::header_text(value));
    } else {
      request.body = notify::fill_template(how_.form, values_for(what, how_)).dump();
      request.headers = {"content-type: application/json"};
    }
    const auto seconds = static_cast<std::int64_t>(std::time(nullptr));
    request.headers.push_back("webhook-id: " + what.id);
    request.headers.push_back("webhook-timestamp: " + std::to_string(seconds));
    if (!how_.bearer.empty()) request.headers.push_back("authorization: Bearer " + how_.bearer);
    if (!how_.keys.empty())
      request.headers.push_back("webhook-signature: " +
                                notify::signature_of(how_.keys, what.id, seconds, request.body));
    return std::optional(std::move(request));
  }

  static delivery_attempt outcome_of(http::post_answer answer) {
    delivery_attempt made;
    made.steps = std::move(answer.steps);
    if (answer.status == 0) {
      made.answer = answer.problem;
      return made;
    }
    made.answer = std::to_string(answer.status) + (answer.body.empty() ? "" : " " + answer.body);
    if (answer.status >= 200 && answer.status < 300) made.what = delivery_attempt::outcome::delivered;
    if (answer.status == 410) made.what = delivery_attempt::outcome::disable;
    if (answer.status >= 300 && answer.status < 400) made.answer += " (redirects are not followed)";
    if (answer.status == 429 || answer.status == 503) made.ask_again = answer.retry_after;
    return made;
  }

  settings how_;
  http::poster http_;
};

error fault(std::string message, std::string hint, std::string path) {
  auto problem = user_error("invalid_option", std::move(message), std::move(hint));
  problem.path = std::move(path);
  return problem;
}

options read_form(const subscriber_request& request, diagnostics& faults) {
  const auto name = request.own.value("template", "");
  if (name.empty()) return {};
  if (const auto& shipped = notify::shipped_template(name); !shipped.is_null()) return shipped;
  const auto path = std::filesystem::path(request.base_folder) / name;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) {
    faults.push_back(fault("there is no template " + name + ", nor a file of that name",
                           "use slack, teams, pagerduty or the path of a JSON file", "/webhook/template"));
    return {};
  }
  const auto form = options::try_parse(text.str());
  if (!form || !form->is_structured()) {
    faults.push_back(fault("the template " + name + " is not a JSON document",
                           "texts in it may hold {{ title }} or {{ event.data.run }}", "/webhook/template"));
    return {};
  }
  return *form;
}

}  // namespace

std::unique_ptr<subscriber> make_webhook_subscriber(const subscriber_request& request, diagnostics& faults) {
  const auto before = faults.size();
  settings how;
  how.url = request.own.value("url", "");
  how.allow_private = request.own.value("allow_private", false);
  how.routing_key = request.own.value("routing_key", "");
  how.bearer = request.own.value("bearer", "");
  how.shape = notify::message_form(request.own);
  how.form = read_form(request, faults);
  if (!how.form.is_null() && how.shape.is_lineage())
    faults.push_back(fault("a template makes the body, and so does format: openlineage", "leave out one of them",
                           "/webhook/format"));
  if (how.bearer.find_first_of("\r\n") != std::string::npos)
    faults.push_back(fault("the bearer token must be one line", {}, "/webhook/bearer"));
  if (!secrets::has_reference(how.url))
    if (const auto problem = http::problem_of_url(how.url); !problem.empty())
      faults.push_back(fault("the url can't be used: " + problem, {}, "/webhook/url"));
  if (request.own.value("template", "") == "pagerduty" && how.routing_key.empty())
    faults.push_back(fault("template: pagerduty needs routing_key: the integration key of the service",
                           "routing_key: \"${secret:pagerduty}\"", "/webhook/template"));
  if (const auto keys = request.own.find("signing_key"); keys != request.own.end() && !keys->is_null())
    for (const auto& one : *keys) {
      if (secrets::has_reference(one.text())) continue;
      auto key = notify::key_to_sign(one.text());
      if (key.ok()) {
        how.keys.push_back(std::move(*key));
      } else {
        faults.push_back(std::move(key).problem());
        faults.back().path = "/webhook/signing_key";
      }
    }
  if (faults.size() > before) return nullptr;
  return std::make_unique<webhook>(std::move(how));
}

namespace {

component_spec spec() {
  return {
      .name = "webhook",
      .kind = component_kind::subscriber,
      .summary = "Posts each notification to a URL, signed as Standard Webhooks has it",
      .description =
          "The body is a CloudEvents 1.0 object, or what `template` makes of it, or with `format: openlineage` a run "
          "event of OpenLineage. The headers `webhook-id`, "
          "`webhook-timestamp` and `webhook-signature` are those of "
          "[Standard Webhooks](https://www.standardwebhooks.com): the id stays the same over all tries, so that a "
          "receiver that drops repeats sees each notification once.\n\n"
          "With a key `whsec_` the signature is HMAC-SHA256 (`v1`): the receiver has the same key. With a key `whsk_` "
          "it "
          "is ed25519 (`v1a`): the receiver has the public key `whpk_`, with which it can't sign itself. To make "
          "both:\n\n"
          "```console\n"
          "$ openssl genpkey -algorithm ed25519 -out hook.pem\n"
          "$ echo \"whsk_$(openssl pkey -in hook.pem -outform DER | tail -c 32 | base64)\"\n"
          "$ echo \"whpk_$(openssl pkey -in hook.pem -pubout -outform DER | tail -c 32 | base64)\"\n"
          "```\n\n"
          "An answer from 200 to 299 is success. Any other answer, or none within 15 seconds, is tried again after "
          "about 5 s, 5 min, 30 min, 2 h, 5 h and then every 10 h, for three days; 429 and 503 with `Retry-After` are "
          "tried again when that says. Redirects are not followed. 410 (gone) disables the channel until it is "
          "changed, or `sluice notify test` succeeds.\n\n"
          "Addresses that are not public (127.0.0.1, 10.0.0.0/8, the metadata service of clouds, ...) are refused when "
          "the connection is made, whatever name they have, unless `allow_private: true`. Proxies are taken from "
          "`https_proxy` and `http_proxy`.\n\n"
          "A template file is a JSON document whose texts may hold `{{ path }}`: `title`, `text`, `severity`, "
          "`pipeline`, `time`, `count`, `facts`, `event.data.run` and the other values of the event, "
          "`message.data.events`. `{{ title | 200 }}` cuts a text, `{{ title | slack }}` escapes it for Slack.",
      .value =
          {.form = shape::object,
           .help = "where to post to, and how",
           .elements = notify::with_form(
               {{.name = "url", .help = "http or https; usually a secret", .required = true},
                {.name = "template", .help = "slack, teams, pagerduty or the path of a JSON file"},
                {.name = "signing_key",
                 .form = shape::list,
                 .help =
                     "whsec_ and the base64 of 24 to 64 bytes, or whsk_ and that of an ed25519 key; two while a key "
                     "is replaced",
                 .elements = {{.help = "a key"}}},
                {.name = "routing_key", .help = "integration key, for template: pagerduty"},
                {.name = "bearer", .help = "a secret that is sent as Authorization: Bearer"},
                {.name = "allow_private",
                 .form = shape::boolean,
                 .help = "allow addresses that are not public",
                 .default_value = false}},
               true)},
      .example = R"yaml(version: 1
pipeline: webhook-example
extract:
  numbers:
    generate: { rows: 10, columns: { id: sequence } }
load:
  nowhere: { from: numbers, blackhole: {} }
channels:
  chat: { webhook: { url: "https://hooks.slack.example/services/T0/B0/x", template: slack } }
notify:
  - { name: failures, when: "severity = 'error'", to: [chat] }
)yaml",
      .promise = delivery::at_least_once,
      .runs = locality::anywhere,
  };
}

}  // namespace

const component& webhook_subscriber() {
  static const component made = {.spec = spec()};
  return made;
}

}  // namespace sluice
