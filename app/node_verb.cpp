#include "app/allocator.hpp"
#include "app/planning.hpp"
#include "app/verbs.hpp"
#include "cluster/node.hpp"
#include "cluster/token.hpp"
#include "config/node_file.hpp"

#include <fmt/format.h>

#include <cctype>
#include <memory>

namespace sluice::app {

namespace {

constexpr const char* usual_listen = "127.0.0.1:7070";
constexpr const char* usual_http = "127.0.0.1:7071";

struct chosen {
  std::string listen;
  std::string http;
  std::string join;
  std::string name;
  std::string role;
  std::string runs_folder;
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

/// What the file says, unless a flag says something else.
struct settled {
  config::node_file from;
  bool faulty = false;  ///< and reported
};
result<settled> settle(session& with, const std::string& file) {
  settled made;
  if (file.empty()) return made;
  SLUICE_ASSIGN(const auto text, config::read_config(file));
  diagnostics faults;
  std::shared_ptr<const config::document> source;
  made.from = config::read_node_file(text, faults, source);
  report_faults(with, faults, source.get());
  made.faulty = !faults.empty();
  return made;
}

std::string first_of(const std::string& flag, const std::string& file, const char* otherwise = "") {
  return !flag.empty() ? flag : !file.empty() ? file : otherwise;
}

cluster::membership_limits limits_of(const config::node_file::beats& given) {
  cluster::membership_limits made;
  made.interval = given.interval.value_or(made.interval);
  made.suspect = given.suspect.value_or(4 * made.interval);
  made.lost = given.lost.value_or(12 * made.interval);
  made.kept = given.kept.value_or(made.kept);
  return made;
}

result<int> run_until_stopped(session& with, const chosen& what) {
  cluster::node_options settings;
  settings.config_file = config_file(what.config);
  SLUICE_ASSIGN(const auto read, settle(with, settings.config_file));
  if (read.faulty) return exit_unusable;
  const auto& file = read.from;
  SLUICE_ASSIGN(settings.listen, cluster::parse_address(first_of(what.listen, file.listen, usual_listen), "--listen"));
  SLUICE_ASSIGN(settings.http, cluster::parse_address(first_of(what.http, file.http, usual_http), "--http"));
  if (const auto join = first_of(what.join, file.join); !join.empty()) {
    SLUICE_ASSIGN(settings.join, cluster::parse_address(join, "--join"));
  }
  SLUICE_ASSIGN(settings.labels, parse_labels(what.labels));
  settings.labels.insert(file.labels.begin(), file.labels.end());
  settings.name = first_of(what.name, file.name);
  settings.role = first_of(what.role, file.role);
  settings.runs_folder = first_of(what.runs_folder, file.runs_folder);
  settings.most_runs = static_cast<std::size_t>(file.runs.value_or(static_cast<std::int64_t>(settings.most_runs)));
  settings.heartbeats = limits_of(file.heartbeat);
  settings.exchange.receive_bytes = file.exchange.memory.value_or(settings.exchange.receive_bytes);
  settings.exchange.compression = file.exchange.compression.value_or(settings.exchange.compression);
  settings.state_folder = with.options.state_folder;
  settings.store_url = with.options.store_url;
  settings.access_folder = with.options.state_folder;
  settings.spill_folder = with.options.spill_folder;
  settings.token = with.options.token;
  settings.tls_folder = first_of(what.tls, file.tls);
  if (settings.join) {
    // Nodes that are started with the same state folder share its token, but each needs a Store of its own.
    if (settings.token.empty()) {
      SLUICE_ASSIGN(settings.token, cluster::ensure_token(with.options.state_folder));
    }
    settings.state_folder += "/nodes/" + (settings.name.empty() ? std::to_string(settings.listen.port) : settings.name);
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
                      .help = "the --listen address of any node of the cluster; without it the cluster begins here",
                      .target = &what->join},
                     {.names = {"--role"},
                      .value = "ROLE",
                      .help = "controller: takes submissions and does no work; worker: only works, for a node with "
                              "--join; both (default without --join)",
                      .target = &what->role,
                      .choices = {"controller", "worker", "both"}},
                     {.names = {"--runs-folder"},
                      .value = "DIR",
                      .help = "the controller's: checkpoints and rejects are kept here; a folder that all nodes see "
                              "lets runs with checkpoints use them all (default: in the state folder)",
                      .target = &what->runs_folder,
                      .offers = completes::folder},
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
