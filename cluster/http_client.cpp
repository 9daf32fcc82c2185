#include <utility>
// Boost's Asio 1.74 uses std::exchange without including it.
#include "cluster/error_answer.hpp"
#include "cluster/http/line_reader.hpp"
#include "cluster/http_client.hpp"
#include "cluster/tls/network_stream.hpp"
#include "engine/store/store.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <array>
#include <limits>
#include <optional>
#include <thread>

namespace sluice::cluster {

namespace {

namespace http = boost::beast::http;
using boost::asio::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::uint64_t answer_limit = 256 * 1024 * 1024;

error unreachable(const address& to, const std::string& why) {
  return external_error("node_unreachable", "no answer from " + to.to_string() + ": " + why,
                        "check that a `sluice node` is running there; --to must be its --http address", true);
}

/// Whom to ask, and whom to believe.
struct destination {
  const address& where;
  const std::string& ca_file;  ///< empty: not encrypted
};

/// Everything for one exchange: its own context, so that every wait has an end.
struct exchange_state {
  explicit exchange_state(const destination& whom) : to(whom.where), ca_file(whom.ca_file), stream(network) {}

  /// Runs until nothing is under way.
  void run() {
    network.restart();
    network.run();
  }

  status connect(milliseconds limit) {
    boost::system::error_code problem;
    const auto host = to.host == "localhost" ? std::string("127.0.0.1") : to.host;
    const auto number = boost::asio::ip::make_address(host, problem);
    if (problem)
      return user_error("invalid_address", "the host of a node's address must be numeric, found '" + to.host + "'",
                        "for example 127.0.0.1:7071");
    if (!ca_file.empty()) {
      SLUICE_ASSIGN(auto trust, trust_of(ca_file));
      stream = network_stream(tcp::socket(network), std::move(trust));
      stream.expect(host);
    }
    stream.expires_after(limit);
    stream.connection().async_connect(tcp::endpoint(number, to.port),
                                      [&](boost::system::error_code got) { problem = got; });
    run();
    if (problem) return unreachable(to, problem.message());
    return secure();
  }

  status secure() {
    boost::system::error_code problem;
    stream.handshake(network_stream::side::client, [&](boost::system::error_code got) { problem = got; });
    run();
    if (!problem) return {};
    auto why = stream.fault(problem);
    if (why.code == "certificate_refused") {
      why.message = "the node at " + to.to_string() + " is not trusted: " + why.message;
      why.hint =
          "--ca must be the file ca.crt of its cluster; the certificate needs the host of --to "
          "(sluice tls issue NAME=HOST)";
      return why;
    }
    return unreachable(to, why.message);
  }

  status send(const http::request<http::string_body>& request, milliseconds limit) {
    boost::system::error_code problem;
    stream.expires_after(limit);
    http::async_write(stream, request, [&](boost::system::error_code got, std::size_t) { problem = got; });
    run();
    if (problem) return unreachable(to, problem.message());
    return {};
  }

  address to;
  const std::string& ca_file;
  boost::asio::io_context network{1};
  network_stream stream;
  boost::beast::flat_buffer buffer;
};

http::request<http::string_body> make_request(http::verb verb, const std::string& target, const address& to,
                                              const std::string& token) {
  http::request<http::string_body> request(verb, target, 11);
  request.set(http::field::host, to.to_string());
  request.set(http::field::user_agent, "sluice");
  if (!token.empty()) request.set(http::field::authorization, "Bearer " + token);
  return request;
}

struct answer {
  unsigned status = 0;
  std::string body;
};

result<answer> ask(const destination& whom, milliseconds limit, const http::request<http::string_body>& request) {
  const auto& to = whom.where;
  exchange_state with(whom);
  SLUICE_TRY(with.connect(std::min(limit, milliseconds(5000))));
  SLUICE_TRY(with.send(request, limit));
  http::response_parser<http::string_body> parser;
  parser.body_limit(answer_limit);
  boost::system::error_code problem;
  with.stream.expires_after(limit);
  http::async_read(with.stream, with.buffer, parser,
                   [&](boost::system::error_code got, std::size_t) { problem = got; });
  with.run();
  if (problem == boost::beast::error::timeout)
    return external_error("request_timed_out", to.to_string() + " received the request but did not answer in time",
                          "check the node's log; the request may still be carried out", true);
  if (problem) return unreachable(to, problem.message());
  return answer{parser.get().result_int(), std::move(parser.get().body())};
}

/// The error in a failed answer.
error refused(const address& to, const answer& got, diagnostics* faults = nullptr) {
  const auto json = options::try_parse(got.body).value_or(options());
  if (json.is_object() && faults != nullptr && json.contains("faults") && json["faults"].is_array())
    for (const auto& fault : json["faults"]) faults->push_back(error_from_json(fault));
  if (json.is_object() && json.contains("error")) return error_from_json(json["error"]);
  return external_error("invalid_answer", to.to_string() + " answered with HTTP status " + std::to_string(got.status),
                        "check that --to is the HTTP address of a Sluice node");
}

result<options> json_of(const address& to, const answer& got) {
  if (got.status >= 300) return refused(to, got);
  auto json = options::try_parse(got.body);
  if (!json)
    return external_error("invalid_answer", to.to_string() + "'s answer is not JSON",
                          "check that --to is the HTTP address of a Sluice node");
  return *std::move(json);
}

/// How one connection of a stream ended.
enum class stream_end { by_taker, by_node, broken };

using stream_parser = http::response_parser<http::buffer_body>;

/// Asks for a stream of events and reads the header of the answer.
status open_stream(exchange_state& with, const std::string& target, const std::string& token, stream_parser& parser) {
  SLUICE_TRY(with.connect(milliseconds(5000)));
  auto request = make_request(http::verb::get, target, with.to, token);
  request.set(http::field::accept, "text/event-stream");
  SLUICE_TRY(with.send(request, milliseconds(5000)));
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());
  boost::system::error_code problem;
  with.stream.expires_after(milliseconds(10000));
  http::async_read_header(with.stream, with.buffer, parser,
                          [&](boost::system::error_code got, std::size_t) { problem = got; });
  with.run();
  if (problem) return unreachable(with.to, problem.message());
  return {};
}

/// Reads the next bytes of the answer, which the parser puts where its body points. Nothing where they are no longer
/// `wanted`, which is asked while none come: the connection is closed then.
std::optional<boost::system::error_code> read_some(exchange_state& with, stream_parser& parser,
                                                   const std::function<bool()>& wanted) {
  boost::system::error_code problem;
  bool done = false;
  with.stream.expires_never();
  http::async_read_some(with.stream, with.buffer, parser, [&](boost::system::error_code got, std::size_t) {
    problem = got;
    done = true;
  });
  // Cut into short runs, so that the caller can stop a quiet stream.
  for (;;) {
    with.network.restart();
    with.network.run_for(milliseconds(200));
    if (done) return problem;
    if (wanted()) continue;
    with.stream.socket().close();
    with.run();
    return {};
  }
}

/// Reads one connection of a stream of events; `after` follows the events taken.
result<stream_end> read_stream(const destination& whom, const std::string& token, const std::string& run,
                               std::int64_t& after, const http_client::event_taker& take,
                               const std::function<bool()>& stopped) {
  const auto& to = whom.where;
  exchange_state with(whom);
  stream_parser parser;
  const auto path = run.empty() ? std::string("/v1/events") : "/v1/runs/" + run + "/events";
  SLUICE_TRY(open_stream(with, path + "?after=" + std::to_string(after), token, parser));
  std::string refusal;
  event_lines lines;
  std::array<char, 16 * 1024> chunk{};
  for (;;) {
    parser.get().body().data = chunk.data();
    parser.get().body().size = chunk.size();
    parser.get().body().more = true;
    const auto waits_since = steady_clock::now();
    bool silent = false;  // keep-alives come every 10 s
    const auto read = read_some(with, parser, [&] {
      silent = steady_clock::now() - waits_since > std::chrono::seconds(30);
      return !silent && !(stopped && stopped());
    });
    if (!read) return silent ? stream_end::broken : stream_end::by_taker;
    const auto problem = *read;
    const std::string_view text(chunk.data(), chunk.size() - parser.get().body().size);
    if (parser.get().result_int() != 200) {
      refusal += text;
    } else {
      for (const auto& event : lines.take(text)) {
        const auto json = options::try_parse(event.data);
        if (!json) return external_error("invalid_answer", "the stream of events contains something that is not JSON");
        after = event.id;
        if (!take(event.id, *json)) return stream_end::by_taker;
      }
    }
    if (problem == http::error::need_buffer) continue;
    if (problem && problem != http::error::end_of_stream) return stream_end::broken;
    if (!problem && !parser.is_done()) continue;
    if (parser.get().result_int() != 200) return refused(to, {parser.get().result_int(), refusal});
    return stream_end::by_node;
  }
}

bool is_last_event(const options& json) {
  const auto type = json.value("type", "");
  return type == "run.succeeded" || type == "run.partial" || type == "run.failed" || type == "run.cancelled";
}

}  // namespace

http_client::http_client(address to, std::string token, milliseconds limit, std::string ca_file)
    : to_(std::move(to)), token_(std::move(token)), limit_(limit), ca_file_(std::move(ca_file)) {}

result<options> http_client::get(const std::string& target) const {
  SLUICE_ASSIGN(auto got, ask({to_, ca_file_}, limit_, make_request(http::verb::get, target, to_, token_)));
  return json_of(to_, got);
}

result<std::string> http_client::get_text(const std::string& target) const {
  SLUICE_ASSIGN(auto got, ask({to_, ca_file_}, limit_, make_request(http::verb::get, target, to_, token_)));
  if (got.status >= 300) return refused(to_, got);
  return std::move(got.body);
}

result<options> http_client::remove(const std::string& target) const {
  SLUICE_ASSIGN(auto got, ask({to_, ca_file_}, limit_, make_request(http::verb::delete_, target, to_, token_)));
  return json_of(to_, got);
}

result<options> http_client::post(const std::string& target, const options& body, const std::string& key) const {
  auto request = make_request(http::verb::post, target, to_, token_);
  if (!key.empty()) request.set("Idempotency-Key", key);
  if (!body.is_null()) {
    request.set(http::field::content_type, "application/json");
    request.body() = json_text(body);
  }
  request.prepare_payload();
  SLUICE_ASSIGN(auto got, ask({to_, ca_file_}, limit_, request));
  return json_of(to_, got);
}

namespace {

/// Sends a pipeline's file; gives the answer's JSON.
result<options> send(const destination& whom, const std::string& token, milliseconds limit, const std::string& target,
                     const submission& what, diagnostics& faults) {
  options body = {{"text", what.text}, {"file", what.file}, {"base_folder", what.base_folder}};
  body["params"] = what.params;
  body["environment"] = what.environment;
  if (what.fresh) body["fresh"] = true;
  if (!what.from.empty()) body["from"] = what.from;
  if (what.again) body["again"] = true;
  if (!what.drop.empty()) body["drop_state"] = what.drop;
  if (!what.config_file.empty()) {
    body["config_file"] = what.config_file;
    body["config"] = what.config;
  }
  auto request = make_request(http::verb::post, target, whom.where, token);
  request.set(http::field::content_type, "application/json");
  if (!what.key.empty()) request.set("Idempotency-Key", what.key);
  request.body() = json_text(body);
  request.prepare_payload();
  SLUICE_ASSIGN(auto got, ask(whom, limit, request));
  if (got.status >= 300) return refused(whom.where, got, &faults);
  return json_of(whom.where, got);
}

}  // namespace

result<std::string> http_client::submit(const submission& what, diagnostics& faults) const {
  // Planning reads samples of the inputs: it may take its time.
  SLUICE_ASSIGN(const auto json,
                send({to_, ca_file_}, token_, std::max(limit_, milliseconds(120000)), "/v1/runs", what, faults));
  if (!json.is_object() || !json.contains("run") || !json["run"].is_string())
    return external_error("invalid_answer", "the node accepted the pipeline but returned no run");
  return json["run"].get<std::string>();
}

result<options> http_client::deploy(const submission& what, diagnostics& faults) const {
  return send({to_, ca_file_}, token_, limit_, "/v1/pipelines", what, faults);
}

result<options> http_client::cancel(const std::string& run) const {
  return post("/v1/runs/" + run + "/cancel", nullptr);
}

result<options> http_client::steer(const std::string& run, const std::string& how) const {
  return post("/v1/runs/" + run + "/" + (how == "flush" ? "drain?flush=true" : how), nullptr);
}

status http_client::follow_events(const std::string& run, std::int64_t after, const event_taker& take,
                                  const std::function<bool()>& stopped, milliseconds patience) const {
  bool ended = false;
  const auto watched = [&](std::int64_t cursor, const options& json) {
    ended = ended || (!run.empty() && is_last_event(json));
    return take(cursor, json) && !ended;
  };
  auto deadline = steady_clock::now() + patience;
  for (;;) {
    const auto from = after;
    const auto how = read_stream({to_, ca_file_}, token_, run, after, watched, stopped);
    if (ended || (how.ok() && *how == stream_end::by_taker)) return {};
    // A node that stops ends its streams too: only a run that is over has no more to say.
    if (how.ok() && *how == stream_end::by_node && !run.empty() && after == from) {
      const auto now = get("/v1/runs/" + run);
      const auto state = now.ok() && now->is_object() ? store::run_state_from(now->value("state", "")) : std::nullopt;
      if (state && store::is_final(*state)) return {};
    }
    if (!how.ok() && !how.problem().retry) return how.problem();
    if (after != from) deadline = steady_clock::now() + patience;
    if (steady_clock::now() >= deadline)
      return how.ok() ? status(unreachable(to_, "the stream of events broke off")) : status(how.problem());
    for (int i = 0; i < 2; ++i) {
      if (stopped && stopped()) return {};
      std::this_thread::sleep_for(milliseconds(100));
    }
  }
}

}  // namespace sluice::cluster
