#include "engine/clients/kafka/cluster.hpp"

#include "engine/component/connection_field.hpp"
#include "engine/component/retry.hpp"

#include <algorithm>

namespace sluice::kafka {

namespace {

field_spec text_field(std::string name, std::string help, bool required = false) {
  return {.name = std::move(name), .form = shape::text, .help = std::move(help), .required = required};
}

std::string from_base(const std::string& file, const std::string& base_folder) {
  return file.empty() || file.starts_with('/') || base_folder.empty() ? file : base_folder + "/" + file;
}

void read_tls(const options& tls, const std::string& base_folder, cluster& into) {
  if (tls.is_boolean()) {
    into.tls = tls.get<bool>();
    return;
  }
  if (!tls.is_object()) return;
  into.tls = true;
  into.verify = tls.value("verify", true);
  into.ca = from_base(tls.value("ca", ""), base_folder);
  into.certificate = from_base(tls.value("certificate", ""), base_folder);
  into.key = from_base(tls.value("key", ""), base_folder);
  into.key_password = tls.value("key_password", "");
}

/// librdkafka connects again by itself, so the tries are counted by the time that they take.
void read_patience(const options& own, cluster& into) {
  const auto rule = retry_of(own);
  const retry_rule usual;
  if (rule.attempts == usual.attempts && rule.backoff == usual.backoff && rule.max_backoff == usual.max_backoff) return;
  std::chrono::microseconds all{0};
  auto wait = std::min(rule.backoff, rule.max_backoff);
  for (std::uint32_t tried = 0; tried < rule.attempts; ++tried, wait = std::min(wait * 2, rule.max_backoff))
    all += wait;
  // Less than this, and a connection that breaks and is there again at once would end a run.
  constexpr std::chrono::milliseconds shortest{1000};
  into.patience = into.patience_at_start =
      std::max(std::chrono::duration_cast<std::chrono::milliseconds>(all), shortest);
}

}  // namespace

field_spec cluster_field() {
  return connection_field(
      {{.name = "brokers",
        .form = shape::one_of,
        .help = "addresses of some brokers: \"kafka1:9092,kafka2:9092\" or a list",
        .elements = {{.form = shape::text}, {.form = shape::list, .elements = {{.form = shape::text}}}}},
       {.name = "sasl",
        .form = shape::object,
        .help = "how to authenticate",
        .elements = {{.name = "mechanism",
                      .form = shape::text,
                      .help = "of SASL",
                      .required = true,
                      .choices = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}},
                     text_field("user", "name of the user", true),
                     text_field("password", "as a rule \"${secret:NAME}\"", true)}},
       {.name = "tls",
        .form = shape::one_of,
        .help = "encrypted connections: true, or { ca: ca.pem }",
        .elements = {{.form = shape::boolean},
                     {.form = shape::object,
                      .elements = {text_field("ca", "file of trusted certificates in PEM (default: the system's)"),
                                   text_field("certificate", "file of the client's certificate in PEM"),
                                   text_field("key", "file of its private key in PEM"),
                                   text_field("key_password", "password of that key"),
                                   {.name = "verify",
                                    .form = shape::boolean,
                                    .help = "check the broker's certificate and name",
                                    .default_value = true}}}}}});
}

cluster read_cluster(const options& own, const std::string& component, const std::string& base_folder,
                     diagnostics& faults) {
  cluster made;
  if (own.is_object()) read_patience(own, made);
  const auto brokers = own.is_object() && own.contains("brokers") ? own["brokers"] : options();
  if (brokers.is_string()) made.brokers = brokers.get<std::string>();
  if (brokers.is_array())
    for (const auto& one : brokers) made.brokers += (made.brokers.empty() ? "" : ",") + one.get<std::string>();
  if (made.brokers.empty()) {
    auto fault = user_error("missing_brokers", "kafka needs brokers: the address of at least one broker",
                            "brokers: \"localhost:9092\"");
    fault.path = "/" + component + (own.is_object() && own.contains("brokers") ? "/brokers" : "");
    faults.push_back(std::move(fault));
  }
  if (own.is_object() && own.contains("sasl") && own["sasl"].is_object()) {
    const auto& sasl = own["sasl"];
    made.mechanism = sasl.value("mechanism", "");
    made.user = sasl.value("user", "");
    made.password = sasl.value("password", "");
  }
  if (own.is_object() && own.contains("tls")) read_tls(own["tls"], base_folder, made);
  if (made.certificate.empty() != made.key.empty()) {
    auto fault = user_error("invalid_option", "certificate and key of tls belong together, only one of them is given",
                            "tls: { ca: ca.pem, certificate: client.pem, key: client.key }");
    fault.path = "/" + component + "/tls";
    faults.push_back(std::move(fault));
  }
  return made;
}

}  // namespace sluice::kafka
