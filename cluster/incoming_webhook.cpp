#include "cluster/incoming_webhook.hpp"

#include "cluster/deployments.hpp"
#include "engine/component/bounded_json.hpp"
#include "engine/component/run_context.hpp"
#include "engine/notify/signature.hpp"
#include "engine/schedule/settings.hpp"
#include "engine/secrets/reveal.hpp"
#include "engine/store/schedules.hpp"

#include <charconv>
#include <cstdlib>

namespace sluice::cluster {

namespace {

constexpr std::int64_t tolerance_seconds = 300;
constexpr std::size_t most_id = 255;
constexpr std::size_t most_values = 1000;

error unsigned_call(const std::string& why) {
  return user_error("invalid_signature", "the webhook is not signed for this pipeline: " + why,
                    "sign it by Standard Webhooks with the pipeline's signing_key");
}

result<notify::webhook_key> key_of(const schedule::settings& of) {
  run_context context;
  context.secret = node_secrets();
  SLUICE_ASSIGN(const auto revealed, reveal_secrets(options{{"signing_key", of.signing_key}}, context));
  return notify::key_to_check(revealed["signing_key"].text());
}

result<std::map<std::string, std::string>> params_of(const std::string& body) {
  std::map<std::string, std::string> params;
  if (body.empty()) return params;
  const auto json = parse_bounded_json(body, most_values);
  if (!json.ok() || !json->is_object()) return params;  // another system's own message: it says when, not how
  const auto found = json->find("params");
  if (found == json->end() || !found->is_object()) return params;
  for (const auto& [name, value] : found->items()) {
    if (!value.is_string()) return user_error("invalid_request", "params." + name + " must be a text");
    params[name] = value.text();
  }
  return params;
}

}  // namespace

result<std::string> start_from_webhook(store::store& in, const std::string& pipeline, const incoming_webhook& what,
                                       std::int64_t now) {
  std::int64_t seconds = 0;
  const auto* end = what.timestamp.data() + what.timestamp.size();
  const auto [stop, problem] = std::from_chars(what.timestamp.data(), end, seconds);
  if (what.id.empty() || what.id.size() > most_id) return unsigned_call("it has no webhook-id");
  if (problem != std::errc() || stop != end || what.timestamp.empty())
    return unsigned_call("webhook-timestamp must be seconds since 1970");
  if (std::llabs(seconds - now / 1'000'000) > tolerance_seconds)
    return unsigned_call("webhook-timestamp is more than five minutes from this node's clock");
  SLUICE_ASSIGN(const auto found, store::schedules_of(in).find(pipeline));
  const auto settings = found ? schedule::from_options(found->schedule) : result<schedule::settings>(unsigned_call(""));
  if (!settings.ok() || !settings->webhook) return unsigned_call("the signature is wrong");
  SLUICE_ASSIGN(const auto key, key_of(*settings));
  if (!notify::is_signed(key, what.signature, what.id, seconds, what.body))
    return unsigned_call("the signature is wrong");
  if (found->paused)
    return external_error("pipeline_paused", "the pipeline " + pipeline + " is paused",
                          "sluice pipelines resume " + pipeline, true);
  SLUICE_ASSIGN(const auto params, params_of(what.body));
  return trigger_pipeline(in, pipeline, what.id, params, "webhook", now);
}

}  // namespace sluice::cluster
