#include "app/run_source.hpp"

#include "app/run_records.hpp"
#include "cluster/token.hpp"

#include <cerrno>
#include <fstream>
#include <sstream>

namespace sluice::app {

namespace {

constexpr const char* default_node = "127.0.0.1:7071";

std::string token_of(const session& with) {
  return with.options.token.empty() ? cluster::read_token(with.options.state_folder) : with.options.token;
}

template <class T>
T value_at(const options& of, const char* name, T otherwise) {
  const auto found = of.find(name);
  if (found == of.end() || found->is_null()) return otherwise;
  try {
    return found->get<T>();
  } catch (const options::exception&) {
    return otherwise;
  }
}

/// A run as the HTTP API writes it.
store::run_record record_from(const options& json) {
  store::run_record run;
  if (!json.is_object()) return run;
  run.id = value_at<std::string>(json, "id", "");
  run.pipeline = value_at<std::string>(json, "pipeline", "");
  run.owner = value_at<std::string>(json, "owner", "");
  run.tags = value_at<std::vector<std::string>>(json, "tags", {});
  run.state = store::run_state_from(value_at<std::string>(json, "state", "")).value_or(store::run_state::failed);
  run.cause = value_at<options>(json, "cause", {});
  run.created = value_at<std::int64_t>(json, "created", 0);
  run.started = value_at<std::int64_t>(json, "started", 0);
  run.ended = value_at<std::int64_t>(json, "ended", 0);
  run.params = value_at<options>(json, "params", {});
  run.summary = value_at<options>(json, "summary", {});
  run.pid = value_at<std::int64_t>(json, "pid", 0);
  run.node = value_at<std::string>(json, "node", "");
  run.endpoint = value_at<std::string>(json, "endpoint", "");
  return run;
}

/// An event as the HTTP API writes it: its CloudEvents object.
store::event event_from(const options& cloud) {
  store::event made;
  const auto found = cloud.find("data");
  made.data = found == cloud.end() || !found->is_object() ? options::object() : *found;
  made.id = value_at<std::string>(cloud, "id", "");
  made.type = value_at<std::string>(cloud, "type", "");
  made.unit = value_at<std::string>(cloud, "subject", "");
  made.time = microseconds_of(value_at<std::string>(cloud, "time", ""));
  made.run = value_at<std::string>(made.data, "run", "");
  made.pipeline = value_at<std::string>(made.data, "pipeline", "");
  made.owner = value_at<std::string>(made.data, "owner", "");
  made.tags = value_at<std::vector<std::string>>(made.data, "tags", {});
  made.sequence = value_at<std::int64_t>(made.data, "sequence", 0);
  made.cursor = value_at<std::int64_t>(made.data, "cursor", 0);
  for (const auto* told : {"run", "sequence", "cursor", "pipeline", "owner", "tags", "unit"}) made.data.erase(told);
  return made;
}

}  // namespace

std::string escaped(const std::string& text) {
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string out;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (std::isalnum(byte) != 0 || letter == '-' || letter == '_' || letter == '.') {
      out += letter;
    } else {
      out += '%';
      out += hex[byte >> 4];
      out += hex[byte & 15];
    }
  }
  return out;
}

result<cluster::http_client> client_for(const session& with) {
  const auto& to = with.options.to;
  SLUICE_ASSIGN(const auto where, cluster::parse_address(to.empty() ? default_node : to, "--to"));
  return cluster::http_client(where, token_of(with), std::chrono::seconds(30), with.options.ca_file);
}

result<run_source> run_source::open(const session& with) {
  run_source made;
  if (with.options.to.empty()) {
    // Local runs serve with the state folder's own token, whatever SLUICE_TOKEN is for.
    made.token_ = cluster::read_token(with.options.state_folder);
    made.ca_file_ = with.options.ca_file;
    SLUICE_ASSIGN(made.store_, with.open_store());
  } else {
    SLUICE_ASSIGN(made.remote_, client_for(with));
  }
  return made;
}

result<std::vector<store::run_record>> run_source::list(const store::run_query& query) {
  std::vector<store::run_record> runs;
  if (!remote_) {
    SLUICE_ASSIGN(runs, store_->runs(query));
    bury_dead(*store_, runs);
    return runs;
  }
  std::string filter;
  if (query.pipeline) filter += "&pipeline=" + escaped(*query.pipeline);
  if (query.states.size() == 1) filter += "&state=" + store::to_string(query.states.front());
  const auto& states = query.states;
  constexpr std::int64_t page = 1000;
  const auto left = [&] { return query.limit - static_cast<std::int64_t>(runs.size()); };
  for (std::string after = query.after; left() > 0;) {
    auto target = "/v1/runs?limit=" + std::to_string(states.size() > 1 ? page : std::min(left(), page)) + filter;
    if (!after.empty()) target += "&after=" + escaped(after);
    SLUICE_ASSIGN(const auto answer, remote_->get(target));
    const auto found = answer.find("runs");
    if (found == answer.end()) return external_error("invalid_answer", "the node's answer has no runs");
    for (const auto& each : *found) {
      auto run = record_from(each);
      const bool wanted = states.empty() || std::find(states.begin(), states.end(), run.state) != states.end();
      if (wanted && left() > 0) runs.push_back(std::move(run));
    }
    after = value_at<std::string>(answer, "next", "");
    if (after.empty()) break;
  }
  return runs;
}

std::optional<cluster::http_client> run_source::client_of(const store::run_record& run) const {
  if (remote_) return remote_;
  if (run.endpoint.empty() || store::is_final(run.state) || !run.alive) return std::nullopt;
  const auto where = cluster::parse_address(run.endpoint, "endpoint");
  if (!where.ok()) return std::nullopt;
  return cluster::http_client(*where, token_, std::chrono::seconds(5), ca_file_);
}

result<seen_run> run_source::find(const std::string& reference) {
  seen_run seen;
  if (remote_) {
    SLUICE_ASSIGN(const auto answer, remote_->get("/v1/runs/" + escaped(reference)));
    seen.record = record_from(answer);
    seen.progress = value_at<options>(answer, "progress", {});
    return seen;
  }
  SLUICE_ASSIGN(seen.record, find_run(*store_, reference));
  if (const auto client = client_of(seen.record)) {
    const auto answer = client->get("/v1/runs/" + seen.record.id);
    if (answer.ok()) seen.progress = value_at<options>(*answer, "progress", {});
  }
  return seen;
}

result<options> run_source::cancel(const std::string& reference) {
  if (remote_) return remote_->cancel(escaped(reference));
  SLUICE_ASSIGN(const auto run, find_run(*store_, reference));
  options told = {{"run", run.id}, {"pipeline", run.pipeline}, {"state", store::to_string(run.state)}};
  if (store::is_final(run.state)) return told;
  const auto client = client_of(run);
  if (!client)
    return external_error("node_unreachable", "run " + short_id(run.id) + " has no process that can be asked",
                          "if it was submitted to a node, ask that node: --to HOST:PORT");
  SLUICE_ASSIGN(const auto answer, client->cancel(run.id));
  told["state"] = value_at<std::string>(answer, "state", "cancelling");
  return told;
}

result<options> run_source::steer(const std::string& reference, const std::string& how) {
  if (remote_) return remote_->steer(escaped(reference), how);
  SLUICE_ASSIGN(const auto run, find_run(*store_, reference));
  if (store::is_final(run.state))
    return user_error("run_is_final", "run " + short_id(run.id) + " of " + run.pipeline + " has ended (" +
                                          store::to_string(run.state) + "): there is nothing to " +
                                          how.substr(0, how.find('?')));
  const auto client = client_of(run);
  if (!client)
    return external_error("node_unreachable", "run " + short_id(run.id) + " has no process that can be asked",
                          "if it was submitted to a node, ask that node: --to HOST:PORT");
  return client->steer(run.id, how);
}

result<options> run_source::checkpoints(const std::string& reference) {
  if (remote_) return remote_->get("/v1/runs/" + escaped(reference) + "/checkpoints");
  SLUICE_ASSIGN(const auto run, find_run(*store_, reference));
  SLUICE_ASSIGN(const auto all, store_->checkpoints(run.id));
  auto list = options::array();
  for (const auto& one : all) list.push_back(store::summary_of(one));
  return options{{"run", run.id}, {"pipeline", run.pipeline}, {"checkpoints", std::move(list)}};
}

result<std::vector<store::event>> run_source::events(std::int64_t after, const std::string& run, std::int64_t limit) {
  if (!remote_) return store_->events(after, run, limit);
  const auto what = run.empty() ? std::string("/v1/events") : "/v1/runs/" + escaped(run) + "/events";
  SLUICE_ASSIGN(const auto text, remote_->get_text(what + "?follow=false&after=" + std::to_string(after)));
  std::vector<store::event> found;
  constexpr std::string_view mark = "data: ";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line) && static_cast<std::int64_t>(found.size()) < limit;) {
    if (!line.starts_with(mark)) continue;
    const auto json = options::try_parse(line.substr(mark.size()));
    if (json && json->is_object()) found.push_back(event_from(*json));
  }
  return found;
}

status run_source::rejects(const store::run_record& run, const std::string& local_path,
                           const std::function<bool(const std::string&)>& take) {
  if (!remote_) {
    std::ifstream file(local_path);
    if (!file) return errno == ENOENT ? status{} : from_errno(errno, "read the rejects in " + local_path);
    for (std::string line; std::getline(file, line);)
      if (!take(line)) break;
    return {};
  }
  constexpr std::int64_t page = 10'000;
  for (std::int64_t seen = 0;;) {
    SLUICE_ASSIGN(const auto text, remote_->get_text("/v1/runs/" + escaped(run.id) + "/rejects?limit=" +
                                                     std::to_string(page) + "&skip=" + std::to_string(seen)));
    if (text.empty()) return {};
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line); ++seen)
      if (!take(line)) return {};
  }
}

}  // namespace sluice::app
