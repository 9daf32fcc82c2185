#include "cluster/node_checks.hpp"

#include "cluster/listen.hpp"
#include "cluster/process.hpp"
#include "cluster/proof/proof.hpp"
#include "config/load.hpp"
#include "engine/error/not_yet.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>

namespace sluice::cluster {

status check_told_names(const node_options& settings) {
  const auto& listen = settings.listen;
  if (listen.host == "0.0.0.0" || listen.host == "::")
    return user_error("invalid_address",
                      "--listen " + listen.to_string() + " is not an address at which other nodes reach this one",
                      "give the address of this machine in their network");
  if (settings.name.size() > max_node_name_bytes)
    return user_error("invalid_name", "--name can have at most " + std::to_string(max_node_name_bytes) + " bytes");
  return {};
}

status check_config_file(const std::string& path) {
  if (path.empty()) return {};
  SLUICE_ASSIGN(const auto text, config::read_config(path));
  diagnostics faults;
  config::check_config(text, faults);
  return faults.empty() ? status{} : status(faults.front());
}

result<std::shared_ptr<certificates>> certificates_for(const node_options& settings) {
  if (settings.tls_folder.empty()) {
    SLUICE_TRY(check_loopback(settings.listen, "--listen"));
    SLUICE_TRY(check_loopback(settings.http, "--http"));
    return std::shared_ptr<certificates>();
  }
  SLUICE_ASSIGN(auto loaded, certificates::load(settings.tls_folder, log_line));
  const auto names = loaded->names();
  if (settings.name.empty() || std::find(names.begin(), names.end(), settings.name) != names.end())
    return std::shared_ptr<certificates>(std::move(loaded));
  return user_error(
      "certificate_unusable",
      "the certificate in " + settings.tls_folder + " is for " + names.front() + ", but --name is " + settings.name,
      "leave out --name, or create a certificate with `sluice tls issue " + settings.name + "`");
}

result<std::string> role_of(const node_options& settings) {
  const bool joins = settings.join.has_value();
  const std::string role = !settings.role.empty() ? settings.role : joins ? "worker" : "both";
  if (!joins && role == "worker")
    return user_error("invalid_role", "a worker needs a cluster to work in",
                      "name a node of it with --join, or start the cluster with --role both");
  if (joins && role != "worker")
    return not_supported_yet("a second controller", "several-controllers", "--role worker");
  return role;
}

result<address> with_port(const address& wanted, const char* option) {
  if (wanted.port != 0) return wanted;
  boost::asio::io_context network;
  boost::asio::ip::tcp::acceptor probe(network);
  return listen_on(probe, wanted, option);
}

}  // namespace sluice::cluster
