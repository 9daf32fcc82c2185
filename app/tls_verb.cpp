#include "app/table.hpp"
#include "app/text.hpp"
#include "app/verbs.hpp"
#include "cluster/tls/authority.hpp"
#include "cluster/tls/certificate_file.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>

namespace sluice::app {

namespace {

constexpr std::int64_t most_days = 36500;

struct chosen {
  std::string action;
  std::vector<std::string> nodes;
  std::string folder;
  std::int64_t days = 365;
};

/// "n1=10.0.0.1,etl-1.example.com": the node's name, and where clients reach it.
cluster::certificate_request request_of(const std::string& word, std::int64_t days) {
  const auto equals = std::min(word.find('='), word.size());
  cluster::certificate_request made{.name = word.substr(0, equals), .hosts = {}, .days = static_cast<int>(days)};
  for (std::size_t begin = equals + 1; begin < word.size();) {
    const auto comma = std::min(word.find(',', begin), word.size());
    made.hosts.push_back(word.substr(begin, comma - begin));
    begin = comma + 1;
  }
  return made;
}

result<int> issue(session& with, const chosen& what) {
  options made = options::array();
  for (const auto& word : what.nodes) {
    const auto request = request_of(word, what.days);
    SLUICE_ASSIGN(const auto folder, cluster::issue_certificate(what.folder, request));
    SLUICE_ASSIGN(const auto facts, cluster::read_certificate(folder + "/tls.crt"));
    made.push_back({{"name", request.name}, {"folder", folder}, {"expires", facts.expires_text()}});
    if (!with.options.json && !with.options.quiet)
      with.terminal.out(request.name + ": " + folder + ", valid until " + facts.expires_text() + "\n");
  }
  if (with.options.json) with.terminal.out(made.dump(2) + "\n");
  return exit_succeeded;
}

result<int> init(session& with, const chosen& what) {
  SLUICE_TRY(cluster::make_authority(what.folder, 3650));
  if (!with.options.quiet && !with.options.json)
    with.terminal.note("authority: " + what.folder + "/ca.crt, for --ca; keep ca.key where no node is\n");
  return issue(with, what);
}

result<int> show(session& with, const chosen& what) {
  std::vector<std::filesystem::path> files;
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator(what.folder, problem))
    if (std::filesystem::exists(entry.path() / "tls.crt")) files.push_back(entry.path() / "tls.crt");
  if (problem)
    return user_error("no_authority", "the folder " + what.folder + " can't be read: " + problem.message(),
                      "create an authority with `sluice tls init`, or name its folder with --dir");
  std::sort(files.begin(), files.end());
  table shown({{.title = "node"}, {.title = "hosts", .shrink_to = 8}, {.title = "valid until"}, {.title = "folder"}});
  options list = options::array();
  for (const auto& file : files) {
    SLUICE_ASSIGN(const auto facts, cluster::read_certificate(file.string()));
    std::string hosts;
    for (const auto& host : facts.hosts) hosts += (hosts.empty() ? "" : ", ") + host;
    const auto name = facts.names.empty() ? std::string() : facts.names.front();
    const auto left = facts.days_left();
    shown.add({{printable(name)},
               {printable(hosts)},
               {facts.expires_text(), left < 0    ? style::red
                                      : left < 30 ? style::yellow
                                                  : style::plain},
               {file.parent_path().string()}});
    list.push_back({{"name", name},
                    {"names", facts.names},
                    {"addresses", facts.hosts},
                    {"expires", facts.expires_text()},
                    {"days_left", left},
                    {"folder", file.parent_path().string()}});
  }
  if (with.options.json) {
    with.terminal.out(list.dump(2) + "\n");
  } else if (!shown.empty()) {
    with.terminal.out(shown.render(with.terminal.out_width(), with.terminal.color_out(), with.terminal.unicode()));
  } else if (!with.options.quiet) {
    with.terminal.note("no certificates in " + what.folder + "\n");
  }
  return exit_succeeded;
}

result<int> run(session& with, chosen what) {
  if (what.folder.empty() && with.options.state_folder.empty())
    return user_error("no_state_folder", "there is no home folder for the certificates", "name a folder with --dir");
  if (what.folder.empty()) what.folder = with.options.state_folder + "/tls";
  if (what.days < 1 || what.days > most_days)
    return user_error("bad_arguments", "--days must be between 1 and 36500, found " + std::to_string(what.days));
  if (what.action == "show") return show(with, what);
  if (what.action == "init") return init(with, what);
  if (what.nodes.empty())
    return user_error("bad_arguments", "sluice tls issue needs the name of a node",
                      "for example: sluice tls issue n1=10.0.0.1");
  return issue(with, what);
}

}  // namespace

command tls_verb() {
  auto what = std::make_shared<chosen>();
  return {.takes = {.positionals = {{.name = "ACTION",
                                     .help = "init: creates the authority of a cluster; issue: creates certificates of "
                                             "nodes; show: lists them",
                                     .target = &what->action,
                                     .choices = {"init", "issue", "show"}},
                                    {.name = "NAME=HOST,HOST",
                                     .help = "names of nodes, each with the addresses at which clients reach it",
                                     .target = &what->nodes,
                                     .required = false}},
                    .options = {{.names = {"--dir"},
                                 .value = "DIR",
                                 .help = "folder of the authority (default: tls in the state folder)",
                                 .target = &what->folder,
                                 .offers = completes::folder},
                                {.names = {"--days"},
                                 .value = "N",
                                 .help = "how long certificates of nodes are valid (default: 365)",
                                 .target = &what->days}},
                    .details = "  sluice tls init n1=10.0.0.1 n2=10.0.0.2 n3=10.0.0.3\n"
                               "  sluice tls issue n4=10.0.0.4,etl-4.example.com\n\n"
                               "Copy the folder of each certificate to its node, and start it with\n"
                               "`sluice node --tls DIR`. Issue a certificate again to renew it: nodes read the files\n"
                               "without a restart. Clients get ca.crt, for --ca.\n"},
          .run = [what](session& with) { return run(with, *what); }};
}

}  // namespace sluice::app
