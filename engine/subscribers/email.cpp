#include "engine/clients/smtp/send.hpp"
#include "engine/component/component.hpp"
#include "engine/notify/channels.hpp"
#include "engine/notify/mail_text.hpp"
#include "engine/notify/subscriber.hpp"
#include "engine/secrets/known_secrets.hpp"

#include <deque>
#include <map>
#include <mutex>
#include <set>

namespace sluice {

namespace {

struct settings {
  smtp::server server;
  std::string from;
  std::vector<std::string> to;
};

class email final : public subscriber {
 public:
  explicit email(settings how) : how_(std::move(how)) {}

  delivery_attempt deliver(const notice& what) override {
    delivery_attempt made;
    smtp::mail mail{
        .from = how_.from, .to = those_without(what.id), .content = notify::mail_text(what, how_.from, how_.to)};
    mail.limit = delivery_limit;
    const auto answers = smtp::send(how_.server, mail, stopped_);
    bool wait = false;
    bool any = mail.to.size() < how_.to.size();
    for (const auto& one : answers) {
      if (one.taken) note_told(what.id, one.to);
      any = any || one.taken;
      wait = wait || (!one.taken && !one.for_good);
      if (!one.taken || made.answer.empty())
        made.answer += (made.answer.empty() ? "" : "; ") + one.to + ": " + one.answer;
      made.steps.insert(made.steps.end(), one.steps.begin(), one.steps.end());
    }
    // An address that is refused for good must not keep the mail open for three days where others have it.
    if (!wait && any) {
      made.what = delivery_attempt::outcome::delivered;
      forget(what.id);
    }
    return made;
  }

  void interrupt() noexcept override { stopped_ = true; }

 private:
  /// A mail that only some have got goes to the others when it is tried again.
  std::vector<std::string> those_without(const std::string& id) {
    const std::lock_guard guard(lock_);
    std::vector<std::string> left;
    const auto found = told_.find(id);
    for (const auto& one : how_.to)
      if (found == told_.end() || found->second.count(one) == 0) left.push_back(one);
    return left;
  }
  void note_told(const std::string& id, const std::string& to) {
    const std::lock_guard guard(lock_);
    if (told_[id].empty()) order_.push_back(id);
    told_[id].insert(to);
    if (order_.size() <= most_remembered) return;
    told_.erase(order_.front());
    order_.pop_front();
  }
  void forget(const std::string& id) {
    const std::lock_guard guard(lock_);
    told_.erase(id);
  }

  static constexpr std::size_t most_remembered = 1000;

  settings how_;
  std::atomic<bool> stopped_ = false;
  std::mutex lock_;
  std::map<std::string, std::set<std::string>> told_;  ///< receivers by notice
  std::deque<std::string> order_;
};

void check_address(const std::string& text, const std::string& path, diagnostics& faults) {
  if (secrets::has_reference(text) || smtp::is_address(text)) return;
  faults.push_back(user_error("invalid_option", "not an e-mail address", "write it without a name: data@shop.example"));
  faults.back().path = path;
}

}  // namespace

std::unique_ptr<subscriber> make_email_subscriber(const subscriber_request& request, diagnostics& faults) {
  const auto before = faults.size();
  const auto& own = request.own;
  settings how;
  how.server.url = own.value("server", "");
  how.server.user = own.value("user", "");
  how.server.password = own.value("password", "");
  how.server.plain = own.value("tls", "required") == "none";
  if (const auto ca = own.value("ca", ""); !ca.empty())
    how.server.ca = ca.front() == '/' ? ca : request.base_folder + "/" + ca;
  if (const auto to = own.find("to"); to != own.end())
    for (const auto& one : *to) how.to.push_back(one.text());
  for (const auto& one : how.to) check_address(one, "/email/to", faults);
  if (how.to.empty()) {
    faults.push_back(user_error("invalid_option", "to must name at least one address", "to: [data@shop.example]"));
    faults.back().path = "/email/to";
  }
  how.from = own.value("from", "");
  if (!how.from.empty())
    check_address(how.from, "/email/from", faults);
  else if (!how.to.empty())
    how.from = "sluice@" + how.to.front().substr(how.to.front().find('@') + 1);
  const auto& url = how.server.url;
  if (!secrets::has_reference(url) && !url.starts_with("smtp://") && !url.starts_with("smtps://")) {
    faults.push_back(user_error("invalid_option", "server must begin with smtp:// or smtps://",
                                "server: \"smtp://mail.shop.example:587\""));
    faults.back().path = "/email/server";
  }
  if (faults.size() > before) return nullptr;
  return std::make_unique<email>(std::move(how));
}

namespace {

component_spec spec() {
  return {
      .name = "email",
      .kind = component_kind::subscriber,
      .summary = "Sends each notification by e-mail, over SMTP with TLS",
      .description =
          "The mail has a text and an HTML part: what happened, where, since when, the first cause and what to do. Its "
          "Message-ID is the same over all tries, so that a server that took a mail but did not answer in time shows "
          "it "
          "once where it drops repeats. `smtp://` begins without TLS and changes to it (STARTTLS), `smtps://` has it "
          "from the beginning; without TLS nothing is sent, unless `tls: none`.\n\n"
          "Each address gets a separate mail. One that the server refuses for good is named in `sluice notify "
          "deliveries`; the others are told all the same. Anything else is tried again, as webhooks are.",
      .value = {.form = shape::object,
                .help = "who gets the mail, and the server",
                .elements = {{.name = "to",
                              .form = shape::list,
                              .help = "addresses",
                              .required = true,
                              .elements = {{.help = "an address"}}},
                             {.name = "server", .help = "smtp://HOST:587 or smtps://HOST:465", .required = true},
                             {.name = "from",
                              .help = "address of the sender (default: sluice@ the first receiver's domain)"},
                             {.name = "user", .help = "login at the server"},
                             {.name = "password", .help = "its password; a secret"},
                             {.name = "tls",
                              .help = "required, or none",
                              .default_value = "required",
                              .choices = {"required", "none"}},
                             {.name = "ca", .help = "file with the certificates to trust instead of the system's"}}},
      .example = R"yaml(version: 1
pipeline: email-example
extract:
  numbers:
    generate: { rows: 10, columns: { id: sequence } }
load:
  nowhere: { from: numbers, blackhole: {} }
channels:
  mail: { email: { to: [data@shop.example], server: "smtp://mail.shop.example:587" } }
notify:
  - { name: failures, when: "severity = 'error'", to: [mail] }
)yaml",
      .promise = delivery::at_least_once,
      .runs = locality::anywhere,
  };
}

}  // namespace

const component& email_subscriber() {
  static const component made = {.spec = spec()};
  return made;
}

}  // namespace sluice
