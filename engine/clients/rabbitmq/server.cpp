#include "engine/clients/rabbitmq/server.hpp"

#include <charconv>
#include <optional>

namespace sluice::rabbitmq {

namespace {

constexpr int usual_port = 5672;
constexpr int usual_port_with_tls = 5671;
constexpr const char* example = "amqp://user:password@host:5672/vhost";

error bad_url(const std::string& why) {
  return user_error("invalid_option", "the url can't be used: " + why, std::string("url: \"") + example + "\"");
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string made;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      made += text[at];
      continue;
    }
    if (at + 2 >= text.size()) return {};
    const int high = digit_of(text[at + 1]);
    const int low = digit_of(text[at + 2]);
    if (high < 0 || low < 0) return {};
    made += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return made;
}

/// "host:port", "[::1]:port" or without port.
status read_address(std::string_view address, server& into) {
  std::string_view port;
  if (address.starts_with('[')) {
    const auto end = address.find(']');
    if (end == std::string_view::npos) return bad_url("the address has a [ without ]");
    into.host = std::string(address.substr(1, end - 1));
    if (address.size() > end + 1 && address[end + 1] == ':') port = address.substr(end + 2);
  } else {
    const auto colon = address.rfind(':');
    into.host = std::string(address.substr(0, colon));
    if (colon != std::string_view::npos) port = address.substr(colon + 1);
  }
  if (into.host.empty()) return bad_url("it has no host");
  into.port = into.tls ? usual_port_with_tls : usual_port;
  if (port.empty()) return {};
  const auto read = std::from_chars(port.data(), port.data() + port.size(), into.port);
  constexpr int highest = 65535;
  if (read.ec != std::errc{} || read.ptr != port.data() + port.size() || into.port < 1 || into.port > highest)
    return bad_url("the port is not a number between 1 and 65535");
  return {};
}

std::string from_base(const std::string& file, const std::string& base_folder) {
  return file.empty() || file.starts_with('/') || base_folder.empty() ? file : base_folder + "/" + file;
}

error at_option(error problem, const std::string& option) {
  problem.path = "/rabbitmq" + (option.empty() ? "" : "/" + option);
  return problem;
}

}  // namespace

std::string server::shown() const { return host + ":" + std::to_string(port) + (vhost == "/" ? "" : "/" + vhost); }

field_spec server_field() {
  return connection_field(
      {{.name = "url",
        .form = shape::text,
        .help = "address of the broker: amqp://user:password@host:5672/vhost, or amqps://. Take the password from a "
                "secret",
        .required = true},
       {.name = "tls",
        .form = shape::object,
        .help = "certificates, for amqps",
        .elements = {{.name = "ca", .help = "file of trusted certificates in PEM (default: the system's)"},
                     {.name = "certificate", .help = "file of the client's certificate in PEM"},
                     {.name = "key", .help = "file of its private key in PEM"},
                     {.name = "verify",
                      .form = shape::boolean,
                      .help = "check the broker's certificate and name",
                      .default_value = true}}}});
}

result<server> parse_url(const std::string& url) {
  server made;
  std::string_view rest(url);
  if (rest.starts_with("amqps://")) {
    made.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("amqp://")) {
    rest.remove_prefix(7);
  } else {
    return bad_url("it must begin with amqp:// or amqps://");
  }
  if (rest.find('?') != std::string_view::npos)
    return bad_url("options after ? are not supported; certificates are given by tls: { ca: ca.pem }");
  const auto slash = rest.find('/');
  const auto path = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  auto authority = rest.substr(0, slash);
  made.user = made.password = "guest";
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    const auto login = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    const auto colon = login.find(':');
    const auto user = decoded(login.substr(0, colon));
    const auto password = colon == std::string_view::npos ? std::string() : decoded(login.substr(colon + 1));
    if (!user || !password) return bad_url("user or password have a % that two hexadecimal digits don't follow");
    made.user = *user;
    made.password = *password;
  }
  SLUICE_TRY(read_address(authority, made));
  if (path.find('/') != std::string_view::npos)
    return bad_url("a / within the name of the virtual host is written %2F");
  const auto vhost = decoded(path);
  if (!vhost) return bad_url("the virtual host has a % that two hexadecimal digits don't follow");
  made.vhost = vhost->empty() ? "/" : *vhost;
  return made;
}

server read_server(const options& own, const std::string& base_folder, diagnostics& faults) {
  auto parsed = parse_url(own.is_object() ? own.value("url", "") : "");
  if (!parsed.ok()) {
    faults.push_back(at_option(std::move(parsed).problem(), "url"));
    return {};
  }
  auto made = *std::move(parsed);
  if (!own.contains("tls") || !own["tls"].is_object()) return made;
  const auto& tls = own["tls"];
  if (!made.tls) {
    faults.push_back(
        at_option(user_error("invalid_option", "tls is given, but the url is amqp://, which is not encrypted",
                             "url: amqps://..."),
                  "tls"));
    return made;
  }
  made.verify = tls.value("verify", true);
  made.ca = from_base(tls.value("ca", ""), base_folder);
  made.certificate = from_base(tls.value("certificate", ""), base_folder);
  made.key = from_base(tls.value("key", ""), base_folder);
  if (made.certificate.empty() != made.key.empty())
    faults.push_back(
        at_option(user_error("invalid_option", "certificate and key of tls belong together, only one of them is given",
                             "tls: { ca: ca.pem, certificate: client.pem, key: client.key }"),
                  "tls"));
  return made;
}

}  // namespace sluice::rabbitmq
