#pragma once

#include "engine/clients/kafka/raw_connection.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::kafka {

/// A transaction, as its coordinator describes it (DescribeTransactions).
struct transaction {
  std::string id;     ///< transactional.id
  std::string state;  ///< Ongoing, PrepareCommit, CompleteCommit, PrepareAbort, CompleteAbort, Empty, Dead ...
  std::int64_t producer = -1;
  std::int16_t epoch = -1;
  std::int64_t start = -1;  ///< milliseconds since 1970
};

/// Looks at transactions and ends them, whoever began them: what librdkafka can't do for a producer that is gone. It
/// speaks Kafka's protocol itself (KIP-664 and KIP-98). Connections are kept and made anew as needed; coordinators that
/// move are looked for again, for as long as `patience_with_coordinators`.
class transactions {
 public:
  transactions(cluster where, interruption* stop) : where_(std::move(where)), stop_(stop) {}

  /// The transaction of an id; state Empty and producer -1 where the cluster knows none.
  result<transaction> describe(const std::string& id);
  enum class ended {
    done,     ///< also where it was done before
    too_late  ///< the transaction has timed out or another producer has the id: its messages are gone
  };
  /// Commits or aborts the transaction of an id, a producer and its epoch.
  result<ended> end(const std::string& id, std::int64_t producer, std::int16_t epoch, bool commit);
  /// Ids of transactions that are open and begin with `prefix`, on all brokers.
  result<std::vector<std::string>> open_ones(const std::string& prefix);

 private:
  struct broker {
    std::int32_t number = -1;
    endpoint at;
  };
  /// Asks the coordinator of an id; looks for it again where it has moved.
  template <class Read>
  status ask_coordinator(const std::string& id, std::int16_t key, std::int16_t version, bool flexible,
                         const std::string& body, const std::string& doing, Read&& read);
  result<broker> coordinator_of(const std::string& id);
  result<std::vector<broker>> brokers();
  result<std::string> ask_any(std::int16_t key, std::int16_t version, bool flexible, const std::string& body);
  result<std::string> ask(const endpoint& at, std::int16_t key, std::int16_t version, bool flexible,
                          const std::string& body);

  cluster where_;
  interruption* stop_;
  std::map<std::string, std::unique_ptr<raw_connection>> open_;  ///< by address
  std::map<std::string, broker> coordinators_;                   ///< by id
};

}  // namespace sluice::kafka
