#pragma once

#include "engine/clients/rabbitmq/publisher.hpp"
#include "engine/component/sink.hpp"
#include "engine/formats/messages/message_encoder.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

/// What a rabbitmq sink does, as its options say.
struct exchange_sink_options {
  rabbitmq::server where;
  retry_rule retry;
  std::string exchange;
  std::string routing_key;
  int routing_key_column = -1;  ///< -1: routing_key
  int message_id_column = -1;   ///< -1: ids are made up
  bool persistent = true;
  messages::message_columns columns;
};

/// Writes each row as a message to an exchange, at once: an epoch is prepared when the broker has confirmed all of its
/// messages, and to commit it there is nothing left to do.
class exchange_sink : public sink, public may_be_down {
 public:
  exchange_sink(const sink_request& request, exchange_sink_options what);
  ~exchange_sink() override;

  status open(std::uint32_t attempt) override;
  status write(const batch& rows, row_errors& refused) override;
  result<prepared_epoch> prepare(std::uint64_t epoch) override;
  status commit(const std::string& token) override;
  status recover(const std::vector<std::string>& tokens) override;
  void abort() noexcept override {}
  void interrupt() noexcept override { to_.interrupt(); }
  [[nodiscard]] std::optional<down_state> down() const override { return to_.down(); }

 private:
  result<bool> send(const messages::made_message& message, row_errors& refused);
  /// Refuses the row, or gives the error of the run.
  status refuse(row_error why, row_errors& refused) const;
  status settle(std::uint64_t first, row_errors& refused);
  [[nodiscard]] std::string where_to() const;

  std::shared_ptr<arrow::Schema> schema_;
  on_error policy_;
  exchange_sink_options what_;
  std::string id_prefix_;
  messages::message_encoder encoder_;
  rabbitmq::publisher to_;
  std::uint64_t rows_ = 0;      ///< that have arrived
  std::uint64_t sent_ = 0;      ///< messages of this epoch
  std::uint64_t bytes_ = 0;     ///< of their bodies
  std::uint64_t numbered_ = 0;  ///< ids that were made up
  std::uint64_t set_null_ = 0;
};

}  // namespace sluice
