#include "app/allocator.hpp"
#include "app/planning.hpp"
#include "app/verbs.hpp"
#include "cluster/node.hpp"
#include "cluster/token.hpp"

#include <fmt/format.h>

#include <cctype>
#include <memory>

namespace sluice::app {

namespace {

struct chosen {
  std::string listen = "127.0.0.1:7070";
  std::string http = "127.0.0.1:7071";
  std::string join;
  std::string name;
  std::vector<std::string> labels;
  std::string config;
  std::string tls;
};

/// Splits `--labels` words: "zone=dmz", also several in one, with commas between.
result<std::map<std::string, std::string>> parse_labels(const std::vector<std::string>& words) {
  std::map<std::string, std::string> labels;
  for (const auto& word : words) {
    for (std::size_t begin = 0; begin <= word.size();) {
      const auto comma = std::min(word.find(',', begin), word.size());
      const auto one = word.substr(begin, comma - begin);
      const auto equals = one.find('=');
      if (equals == std::string::npos || equals == 0)
        return user_error("bad_arguments", "--labels must be name=value, found '" + one + "'",
                          "for example: --labels zone=dmz,disk=ssd");
      labels[one.substr(0, equals)] = one.substr(equals + 1);
      begin = comma + 1;
    }
  }
  return labels;
}

/// A link to the web page with the token in it, where somebody sees it at once: a log is read by others too.
void show_page(session& with, const cluster::node_addresses& at, const std::string& token) {
  if (!with.terminal.out_is_terminal() || with.options.quiet) return;
  std::string escaped;
  for (const unsigned char c : token)
    escaped += std::isalnum(c) != 0 ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
  with.terminal.line((at.encrypted ? "page: https://" : "page: http://") + at.http.to_string() + "/#token=" + escaped);
}

result<int> run_until_stopped(session& with, const chosen& what) {
  cluster::node_options settings;
  SLUICE_ASSIGN(settings.listen, cluster::parse_address(what.listen, "--listen"));
  SLUICE_ASSIGN(settings.http, cluster::parse_address(what.http, "--http"));
  if (!what.join.empty()) {
    SLUICE_ASSIGN(settings.join, cluster::parse_address(what.join, "--join"));
  }
  SLUICE_ASSIGN(settings.labels, parse_labels(what.labels));
  settings.name = what.name;
  settings.state_folder = with.options.state_folder;
  settings.store_url = with.options.store_url;
  settings.access_folder = with.options.state_folder;
  settings.spill_folder = with.options.spill_folder;
  settings.token = with.options.token;
  settings.config_file = config_file(what.config);
  settings.tls_folder = what.tls;
  if (settings.join) {
    // Nodes that are started with the same state folder share its token, but each needs a Store of its own.
    if (settings.token.empty()) {
      SLUICE_ASSIGN(settings.token, cluster::ensure_token(with.options.state_folder));
    }
    settings.state_folder += "/nodes/" + (what.name.empty() ? std::to_string(settings.listen.port) : what.name);
  }
  const memory_trimmer trimmer;
  SLUICE_TRY(cluster::run_node(settings, [&](const cluster::node_addresses& at) {
    if (with.options.json) {
      const options line = {{"ready", true},
                            {"name", at.name},
                            {"listen", at.listen.to_string()},
                            {"http", at.http.to_string()},
                            {"tls", at.encrypted},
                            {"state", at.state_folder}};
      with.terminal.line(line.dump());
    } else {
      with.terminal.line("ready: node " + at.name + ", cluster " + at.listen.to_string() +
                         (at.encrypted ? ", https " : ", http ") + at.http.to_string());
      const auto token =
          settings.token.empty() ? cluster::ensure_token(settings.state_folder) : result<std::string>(settings.token);
      if (token.ok()) show_page(with, at, *token);
    }
  }));
  return exit_succeeded;
}

}  // namespace

command node_verb() {
  auto what = std::make_shared<chosen>();
  return {
      .takes = {.options =
                    {{.names = {"--listen"},
                      .value = "HOST:PORT",
                      .help = "address for other nodes (default: 127.0.0.1:7070; port 0: any free port)",
                      .target = &what->listen},
                     {.names = {"--http"},
                      .value = "HOST:PORT",
                      .help = "address for the command line and the API (default: 127.0.0.1:7071)",
                      .target = &what->http},
                     {.names = {"--join"},
                      .value = "HOST:PORT",
                      .help = "the --listen address of the cluster's first node",
                      .target = &what->join},
                     {.names = {"--name"},
                      .value = "NAME",
                      .help = "name for `place: { node: NAME }` (default: that of its certificate, else host and port)",
                      .target = &what->name},
                     {.names = {"--tls"},
                      .value = "DIR",
                      .help = "folder with ca.crt, tls.crt and tls.key (see `sluice tls`): encrypts all ports",
                      .target = &what->tls,
                      .offers = completes::folder},
                     {.names = {"--labels"},
                      .value = "NAME=VALUE",
                      .help = "label for `place: { labels: { NAME: VALUE } }`; can be repeated",
                      .target = &what->labels},
                     config_option(what->config)},
                .details = "Prints one line when it is ready, and in a terminal a link to its web page; then its\n"
                           "log to stderr. SIGTERM or Ctrl-C shuts it down cleanly. Without --tls a node\n"
                           "listens on loopback only.\n"
                           "Submitting, joining and the web page need the token in the state folder, or in\n"
                           "SLUICE_TOKEN. Nodes with the same --state share it.\n"},
      .run = [what](session& with) { return run_until_stopped(with, *what); }};
}

}  // namespace sluice::app
