#include "engine/sources/rabbitmq/queue_reader.hpp"

#include "engine/error/names.hpp"
#include "engine/formats/messages/message_decoder.hpp"
#include "engine/formats/messages/refusal.hpp"
#include "engine/sources/rabbitmq/metadata.hpp"
#include "engine/values/positions.hpp"

#include <arrow/record_batch.h>

#include <atomic>

namespace sluice {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_messages = 8192;
constexpr std::size_t most_bytes = 8U << 20;
// A source without end answers that often, so that whoever wants a checkpoint does not wait for a message.
constexpr auto longest_silence = 100ms;

class queue_reader : public split_reader, public may_be_down {
 public:
  queue_reader(std::shared_ptr<const queue_table> what, std::shared_ptr<const row_filter> filter, queue_source& of,
               std::shared_ptr<rabbitmq::consumer> from, std::unique_ptr<messages::message_decoder> decoder,
               std::uint64_t behind)
      : what_(std::move(what)),
        filter_(std::move(filter)),
        of_(of),
        from_(std::move(from)),
        decoder_(std::move(decoder)),
        last_(behind) {}

  void interrupt() noexcept override { stopped_ = true; }
  [[nodiscard]] std::optional<down_state> down() const override { return from_->down(); }

  result<read_step> next() override {
    if (stopped_) return interrupted_error("reading from RabbitMQ");
    SLUICE_ASSIGN(const auto taken,
                  from_->take(most_messages, most_bytes, std::chrono::steady_clock::now() + longest_silence));
    read_step step;
    if (!taken.empty()) last_ = taken.back().number;
    step.position = queue_position_of(what_->how.queue, last_, {});
    const auto nulls = decoder_->rows().set_null();
    SLUICE_TRY(decode(taken, step));
    SLUICE_TRY(finish(step));
    step.set_null = decoder_->rows().set_null() - nulls;
    return step;
  }

 private:
  status decode(const std::vector<rabbitmq::message>& taken, read_step& step) {
    decoder_->start_block();
    fresh_.clear();
    for (const auto& one : taken) {
      ++step.records;
      step.bytes += one.body.size();
      if (!of_.note(one)) {
        ++step.filtered;
        continue;
      }
      fresh_.push_back(&one);
      decoder_->join(one.body);
    }
    decoder_->end_block();
    for (std::size_t at = 0; at < fresh_.size(); ++at) {
      const auto& one = *fresh_[at];
      auto fault = append_metadata(one, *what_, decoder_->rows());
      if (fault) decoder_->take_back();
      if (!fault)
        if (const auto* unreadable = decoder_->read(at)) fault = *unreadable;
      if (fault) {
        SLUICE_TRY(refuse(*std::move(fault), one, step));
      } else if (what_->want_positions) {
        positions_.append(position{what_->number, 0, static_cast<std::int64_t>(one.number)});
      }
    }
    return {};
  }

  status refuse(typed::record_fault fault, const rabbitmq::message& from, read_step& step) const {
    return messages::refuse(*what_, what_->unit,
                            {.fault = std::move(fault),
                             .place = "message " + (from.id ? shortened(*from.id, 80) : std::to_string(from.number)) +
                                      " of queue " + what_->how.queue,
                             .record = from.body,
                             .offset = from.number},
                            step);
  }

  status finish(read_step& step) {
    const auto rows = decoder_->rows().count();
    if (rows == 0) return {};
    SLUICE_ASSIGN(step.rows.data, decoder_->finish());
    if (what_->want_positions) step.rows.positions = positions_in(rows, positions_.take());
    if (filter_) {
      SLUICE_ASSIGN(step.rows, filter_->apply(std::move(step.rows), step.filtered));
    }
    return {};
  }

  std::shared_ptr<const queue_table> what_;
  std::shared_ptr<const row_filter> filter_;  ///< may be null
  queue_source& of_;
  std::shared_ptr<rabbitmq::consumer> from_;
  std::unique_ptr<messages::message_decoder> decoder_;
  std::atomic<bool> stopped_ = false;
  std::uint64_t last_;  ///< number of the last message
  std::vector<const rabbitmq::message*> fresh_;
  growing_bytes positions_;
};

}  // namespace

result<std::unique_ptr<split_reader>> read_queue(std::shared_ptr<const queue_table> what,
                                                 std::shared_ptr<const row_filter> filter, queue_source& of,
                                                 std::shared_ptr<rabbitmq::consumer> from, std::uint64_t behind) {
  SLUICE_ASSIGN(auto decoder, messages::message_decoder::make(what));
  return std::unique_ptr<split_reader>(std::make_unique<queue_reader>(std::move(what), std::move(filter), of,
                                                                      std::move(from), std::move(decoder), behind));
}

}  // namespace sluice
