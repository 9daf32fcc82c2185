#pragma once

#include "engine/clients/kafka/producer.hpp"
#include "engine/clients/kafka/transactions.hpp"
#include "engine/component/limits_epochs.hpp"
#include "engine/component/sink.hpp"
#include "engine/formats/messages/message_encoder.hpp"
#include "engine/sinks/kafka/kafka_token.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

struct kafka_sink_options {
  kafka::cluster where;
  kafka::producer_settings how;
  messages::message_columns columns;
  bool transactional = true;
};

/// Writes a topic. An epoch is a transaction: `prepare` flushes it and hands out what names it, `commit` has its
/// coordinator end it, from whichever process.
///
/// Each epoch takes another id of a pool and initialises it anew, because only that raises the producer's epoch: a
/// commit that is repeated late must never end the transaction that came after (FLINK-8132). An id comes back to the
/// pool when a later epoch is committed, for only then the commit of its own is known to be written down.
class kafka_topic_sink : public sink, public limits_epochs, public may_be_down {
 public:
  kafka_topic_sink(const sink_request& request, kafka_sink_options what);
  ~kafka_topic_sink() override;

  status open(std::uint32_t attempt) override;
  status write(const batch& rows, row_errors& refused) override;
  result<prepared_epoch> prepare(std::uint64_t epoch) override;
  status commit(const std::string& token) override;
  status recover(const std::vector<std::string>& tokens) override;
  /// Aborts what none of these tokens names, without committing them: their epochs are not due yet.
  status keep(const std::vector<std::string>& tokens) override;
  void abort() noexcept override;
  void interrupt() noexcept override { stop_.raise(); }
  [[nodiscard]] std::optional<down_state> down() const override;
  /// A third of the transaction's time: one transaction is written while the one before waits for its commit, which may
  /// have to be repeated by another process.
  [[nodiscard]] std::optional<std::int64_t> longest_epoch() const override;
  [[nodiscard]] const char* option() const override { return "/kafka/transaction_timeout"; }

 private:
  status start_epoch();
  void hold(std::unique_ptr<kafka::producer> one);
  status send(const messages::made_message& message, row_errors& refused);
  status refuse(row_error why, row_errors& refused) const;
  status check_topic();
  /// Aborts the open transactions of the unit in this run, but for these ids.
  status abort_all_but(const std::vector<std::string>& kept);
  /// Ends what nobody will commit; failures are left to the broker's time-out.
  void abort_transaction(const std::string& id);
  [[nodiscard]] std::string id_of(std::uint32_t slot) const;

  const std::string unit_;
  const on_error policy_;
  kafka_sink_options what_;
  std::string prefix_;  ///< of all ids of the unit in this run
  interruption stop_;
  messages::message_encoder encoder_;
  kafka::transactions transactions_;
  mutable std::mutex lock_;                    ///< of the next one, where it is set, and read by another thread
  std::unique_ptr<kafka::producer> producer_;  ///< of the epoch that is written
  std::uint32_t attempt_ = 0;
  std::string id_;                        ///< of its transaction
  std::map<std::string, bool> prepared_;  ///< ids that are not to be taken again yet; true: committed
  std::uint64_t rows_ = 0;                ///< of all epochs, for messages
  std::uint64_t set_null_ = 0;            ///< of the epochs before
  std::string key_room_;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers_;
};

}  // namespace sluice
