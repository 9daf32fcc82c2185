#pragma once

#include "engine/clients/rabbitmq/consumer.hpp"
#include "engine/component/source.hpp"
#include "engine/component/takes_filter.hpp"
#include "engine/component/unsettled_source.hpp"
#include "engine/formats/messages/message_table.hpp"
#include "engine/sources/rabbitmq/remembered_ids.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace sluice {

class row_filter;

/// What a rabbitmq source reads, as its options say.
struct queue_table : messages::message_table {
  rabbitmq::server where;
  rabbitmq::consumer_settings how;
  std::int64_t dedup_seconds = 0;  ///< 0: ids are not remembered
  std::string unit;
  std::uint32_t number = 0;
  bool want_positions = true;
};

/// A queue of RabbitMQ: one split without end. The position of a step is the number of its last message; in a
/// checkpoint the ids of the messages before stand beside it. The connection belongs to the source, not to the reader:
/// messages can only be acknowledged on the connection that gave them, and the last ones are when the reader has gone.
class queue_source : public source, public takes_filter, public unsettled_source {
 public:
  explicit queue_source(std::shared_ptr<const queue_table> what);
  ~queue_source() override;

  std::shared_ptr<arrow::Schema> schema() const override { return what_->columns.schema(); }
  status leave_out_unless(const std::string& condition, const std::string& unit, const run_context& context) override;
  result<std::vector<split>> discover() override;
  result<std::unique_ptr<split_reader>> open(const split& piece, const std::string& position) override;
  [[nodiscard]] bool bounded() const override { return false; }
  /// Acknowledges the messages of the checkpoint.
  status committed(std::uint64_t epoch, const std::vector<split_progress>& upto) override;
  void interrupt() noexcept override;
  bool wants_checkpoint() override;
  std::string whole_position(const std::string& of_step) override;

  /// For the reader: what it has taken. False: a message with this id is known.
  bool note(const rabbitmq::message& one);

 private:
  std::shared_ptr<const queue_table> what_;
  std::shared_ptr<const row_filter> filter_;  ///< may be null
  std::mutex lock_;                           ///< of all below
  std::shared_ptr<rabbitmq::consumer> from_;  ///< null until it is opened
  bool discovered_ = false;
  remembered_ids ids_;
  std::uint64_t taken_ = 0;         ///< number of the last message that was taken
  std::uint64_t acknowledged_ = 0;  ///< of the last one that was acknowledged
  std::optional<std::chrono::steady_clock::time_point> unsettled_since_;
  bool asked_ = false;  ///< for a checkpoint
};

/// Infers the columns of JSON messages from the first 1,000 (or `sample:`) that are in the queue within 5 s; they go
/// back to it. The errors: empty_source, invalid_json, and those of the broker.
result<std::shared_ptr<arrow::Schema>> sample_queue(const queue_table& of, std::optional<std::int64_t> messages);

}  // namespace sluice
