#include "engine/clients/kafka/transactions.hpp"

#include "engine/clients/kafka/client.hpp"
#include "engine/clients/kafka/wire.hpp"

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <set>

namespace sluice::kafka {

namespace {

using namespace std::chrono_literals;

constexpr auto patience_with_coordinators = 30s;

// Keys of requests.
constexpr std::int16_t metadata = 3;
constexpr std::int16_t find_coordinator = 10;
constexpr std::int16_t end_txn = 26;
constexpr std::int16_t describe_transactions = 65;
constexpr std::int16_t list_transactions = 66;

// Codes of errors that librdkafka's header has no names for.
constexpr std::int16_t transactional_id_not_found = 105;

bool may_change(std::int16_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
      return true;
    default:
      return false;
  }
}

error not_understood(const std::string& doing) {
  return external_error("kafka_error", doing + ": the broker's response is not understood",
                        "this needs a broker of Kafka 3.0 or later");
}

}  // namespace

result<std::string> transactions::ask(const endpoint& at, std::int16_t key, std::int16_t version, bool flexible,
                                      const std::string& body) {
  const auto name = at.host + ":" + at.port;
  auto& connection = open_[name];
  const bool reused = connection != nullptr;
  if (!reused) {
    SLUICE_ASSIGN(connection, raw_connection::open(where_, at, stop_));
  }
  auto answer = connection->request(key, version, flexible, body);
  if (answer.ok()) return answer;
  connection.reset();
  if (!reused) return answer;
  // One that was idle may have been closed by the broker. What is asked here may be asked twice.
  SLUICE_ASSIGN(connection, raw_connection::open(where_, at, stop_));
  answer = connection->request(key, version, flexible, body);
  if (!answer.ok()) connection.reset();
  return answer;
}

result<std::string> transactions::ask_any(std::int16_t key, std::int16_t version, bool flexible,
                                          const std::string& body) {
  result<std::string> last = not_understood("ask Kafka");
  for (const auto& at : endpoints_of(where_.brokers)) {
    last = ask(at, key, version, flexible, body);
    if (last.ok() || !last.problem().retry) return last;
  }
  return last;
}

result<transactions::broker> transactions::coordinator_of(const std::string& id) {
  if (const auto known = coordinators_.find(id); known != coordinators_.end()) return known->second;
  constexpr std::int8_t of_transactions = 1;
  SLUICE_ASSIGN(const auto response,
                ask_any(find_coordinator, 2, false, wire_writer().text(id).int8(of_transactions).done()));
  wire_reader in(response);
  in.int32();  // how long the broker throttles us
  const auto code = in.int16();
  in.text();
  broker found;
  found.number = in.int32();
  found.at.host = in.text();
  found.at.port = std::to_string(in.int32());
  if (!in.good()) return not_understood("find the coordinator of a transaction");
  if (code != 0) {
    auto why = from_kafka(code, "find the coordinator of transaction " + id);
    why.retry = may_change(code);
    return why;
  }
  coordinators_[id] = found;
  return found;
}

template <class Read>
status transactions::ask_coordinator(const std::string& id, std::int16_t key, std::int16_t version, bool flexible,
                                     const std::string& body, const std::string& doing, Read&& read) {
  const auto until = std::chrono::steady_clock::now() + patience_with_coordinators;
  for (auto pause = 20ms;; pause = std::min<std::chrono::milliseconds>(pause * 2, 1000ms)) {
    auto why = [&]() -> status {
      SLUICE_ASSIGN(const auto at, coordinator_of(id));
      SLUICE_ASSIGN(const auto response, ask(at.at, key, version, flexible, body));
      wire_reader in(response);
      const std::int16_t code = read(in);
      if (!in.good()) return not_understood(doing);
      if (code == 0) return {};
      auto wrong = from_kafka(code, doing);
      wrong.retry = may_change(code);
      return wrong;
    }();
    if (why.ok() || !why.problem().retry || std::chrono::steady_clock::now() > until) return why;
    coordinators_.erase(id);
    if (stop_ != nullptr && !stop_->sleep_until(std::chrono::steady_clock::now() + pause))
      return interrupted_error(doing);
  }
}

result<transaction> transactions::describe(const std::string& id) {
  transaction found;
  found.id = id;
  found.state = "Empty";
  constexpr std::uint32_t one = 2;  // a compact list of one
  const auto body = wire_writer().varint(one).compact_text(id).no_tags().done();
  SLUICE_TRY(ask_coordinator(id, describe_transactions, 0, true, body, "look at transaction " + id,
                             [&](wire_reader& in) -> std::int16_t {
                               in.int32();
                               if (in.compact_count() != 1) return RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID;
                               const auto code = in.int16();
                               in.compact_text();
                               const auto state = in.compact_text();
                               in.int32();  // its time-out
                               const auto start = in.int64();
                               const auto producer = in.int64();
                               const auto epoch = in.int16();
                               if (code == transactional_id_not_found) return 0;
                               if (code == 0) found = {id, state, producer, epoch, start};
                               return code;
                             }));
  return found;
}

result<transactions::ended> transactions::end(const std::string& id, std::int64_t producer, std::int16_t epoch,
                                              bool commit) {
  auto how = ended::done;
  const auto body =
      wire_writer().text(id).int64(producer).int16(epoch).int8(static_cast<std::int8_t>(commit ? 1 : 0)).done();
  // Version 2 is the first protocol of transactions: that of librdkafka, which began it.
  SLUICE_TRY(ask_coordinator(id, end_txn, 2, false, body,
                             std::string(commit ? "commit" : "abort") + " transaction " + id,
                             [&](wire_reader& in) -> std::int16_t {
                               in.int32();
                               const auto code = in.int16();
                               switch (code) {
                                 case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
                                 case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
                                 case RD_KAFKA_RESP_ERR_INVALID_TXN_STATE:
                                 case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING:
                                   how = ended::too_late;
                                   return 0;
                                 default:
                                   return code;
                               }
                             }));
  return how;
}

result<std::vector<transactions::broker>> transactions::brokers() {
  // No topics at all: an empty list.
  constexpr std::int8_t no = 0;
  SLUICE_ASSIGN(const auto response, ask_any(metadata, 4, false, wire_writer().int32(0).int8(no).done()));
  wire_reader in(response);
  in.int32();
  std::vector<broker> found;
  for (auto left = in.count(); left > 0 && in.good(); --left) {
    broker one;
    one.number = in.int32();
    one.at.host = in.text();
    one.at.port = std::to_string(in.int32());
    in.text();  // its rack
    found.push_back(std::move(one));
  }
  if (!in.good()) return not_understood("list the brokers");
  return found;
}

result<std::vector<std::string>> transactions::open_ones(const std::string& prefix) {
  SLUICE_ASSIGN(const auto all, brokers());
  std::vector<std::string> found;
  constexpr std::uint32_t one = 2;
  constexpr std::uint32_t none = 1;
  const auto body = wire_writer().varint(one).compact_text("Ongoing").varint(none).no_tags().done();
  const auto until = std::chrono::steady_clock::now() + patience_with_coordinators;
  for (std::size_t at = 0; at < all.size();) {
    SLUICE_ASSIGN(const auto response, ask(all[at].at, list_transactions, 0, true, body));
    wire_reader in(response);
    in.int32();
    const auto code = in.int16();
    const auto now = std::chrono::steady_clock::now();
    if (may_change(code) && now < until) {  // it is loading them
      if (stop_ != nullptr && !stop_->sleep_until(now + 100ms)) return interrupted_error("list the open transactions");
      continue;
    }
    if (code != 0) return from_kafka(code, "list the open transactions");
    ++at;
    for (auto left = in.compact_count(); left > 0 && in.good(); --left) in.compact_text();  // states it does not know
    for (auto left = in.compact_count(); left > 0 && in.good(); --left) {
      auto id = in.compact_text();
      in.int64();
      in.compact_text();
      in.tags();
      if (id.starts_with(prefix)) found.push_back(std::move(id));
    }
    if (!in.good()) return not_understood("list the open transactions");
  }
  return found;
}

}  // namespace sluice::kafka
