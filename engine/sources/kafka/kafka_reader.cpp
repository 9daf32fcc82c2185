#include "engine/sources/kafka/kafka_reader.hpp"

#include "engine/clients/kafka/consumer.hpp"
#include "engine/formats/messages/message_decoder.hpp"
#include "engine/formats/messages/refusal.hpp"
#include "engine/sources/kafka/metadata.hpp"
#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>

namespace sluice {

namespace {

using namespace std::chrono_literals;

// Their text stays in the second cache from here to the last field.
constexpr std::size_t block_messages = 1024;
constexpr std::int64_t batch_text_bytes = 2 * target_batch_bytes;
// A source without end answers that often, so that whoever wants a checkpoint does not wait for a message.
constexpr auto longest_silence = 100ms;
// The end of a partition may be known before all of its replicas have it.
constexpr auto wait_for_lost_tail = 30s;

class kafka_reader : public split_reader, public may_be_down {
 public:
  kafka_reader(std::shared_ptr<const kafka_table> what, std::shared_ptr<const row_filter> filter,
               std::unique_ptr<kafka::consumer> from, std::unique_ptr<messages::message_decoder> decoder)
      : what_(std::move(what)), filter_(std::move(filter)), from_(std::move(from)), decoder_(std::move(decoder)) {
    wants_deleted_ = std::any_of(what_->metadata.begin(), what_->metadata.end(), [](const auto& one) {
      return one.kind == static_cast<std::size_t>(kafka_metadata::deleted);
    });
  }

  void interrupt() noexcept override { from_->interrupt(); }
  [[nodiscard]] std::optional<down_state> down() const override { return from_->down(); }

  status add(const split& piece, const std::string& position) override {
    const auto where = partition_of(piece.object);
    if (!where) return internal_error("foreign_split", "the split " + piece.object + " is not a partition of Kafka");
    partition made{.piece = piece, .where = *where, .next = piece.begin};
    if (!position.empty()) {
      SLUICE_ASSIGN(made.next, offset_in(position, *where));
    }
    made.ended = what_->bounded && made.next >= piece.end;
    made.silent = what_->bounded || !position.empty();
    if (!made.ended) {
      SLUICE_ASSIGN(made.number, from_->add(*where, made.next));
    }
    partitions_.push_back(std::move(made));
    return {};
  }

  result<read_step> next() override {
    const auto begun = std::chrono::steady_clock::now();
    for (;;) {
      for (std::size_t tried = 0; tried < partitions_.size(); ++tried) {
        turn_ = (turn_ + 1) % partitions_.size();
        SLUICE_ASSIGN(auto step, read(partitions_[turn_]));
        if (!step) continue;
        if (step->end) forget(turn_);
        return std::move(*step);
      }
      const auto until = begun + (what_->bounded ? std::chrono::milliseconds(1h) : longest_silence);
      if (!what_->bounded && std::chrono::steady_clock::now() >= until)
        if (const auto* one = silent_one()) return nothing_new(*one);
      SLUICE_ASSIGN(const bool goes_on,
                    from_->wait(std::max(until, std::chrono::steady_clock::now() + 10ms), what_->where.patience));
      if (!goes_on) return interrupted_error("reading from Kafka");
      SLUICE_TRY(look_for_lost_tails());
    }
  }

 private:
  struct partition {
    split piece;
    kafka::topic_partition where = {};
    std::int64_t next = 0;                   ///< offset of the next message
    std::optional<std::size_t> number = {};  ///< in the consumer; none: there was nothing to read from the start
    bool ended = false;                      ///< all is read
    bool at_end = false;                     ///< all is read that was there when a broker was asked last
    bool silent = false;                     ///< its first position needs not be told
    /// When it ended before the offset that it should end at.
    std::optional<std::chrono::steady_clock::time_point> short_since = {};
  };

  void forget(std::size_t at) {
    partitions_.erase(partitions_.begin() + static_cast<std::ptrdiff_t>(at));
    turn_ = 0;
  }

  /// The next partition, in turn, of which all is read that is there; null: none, for example while brokers are gone.
  const partition* silent_one() {
    for (std::size_t tried = 0; tried < partitions_.size(); ++tried) {
      silent_ = (silent_ + 1) % partitions_.size();
      if (partitions_[silent_].at_end) return &partitions_[silent_];
    }
    return nullptr;
  }

  static read_step nothing_new(const partition& of) {
    read_step step;
    step.split = of.piece.id;
    step.position = partition_position(of.where, of.next);
    return step;
  }

  /// Reads a batch of a partition; none: it has nothing now.
  result<std::optional<read_step>> read(partition& of) {
    auto step = nothing_new(of);
    // Where it begins is decided once, also where nothing is read of it for a long time.
    if (!std::exchange(of.silent, true)) return std::optional(std::move(step));
    const auto nulls = decoder_->rows().set_null();
    while (!of.ended && decoder_->rows().count() < target_batch_rows &&
           step.bytes < static_cast<std::uint64_t>(batch_text_bytes)) {
      const auto taken = from_->take(*of.number, block_messages);
      if (taken.all().empty()) break;
      SLUICE_TRY(decode(taken.all(), of, step));
    }
    if (step.records == 0 && !of.ended) return std::optional<read_step>();
    SLUICE_TRY(finish(step));
    step.set_null = decoder_->rows().set_null() - nulls;
    step.position = partition_position(of.where, of.next);
    step.end = of.ended;
    if (of.ended && of.number && partitions_.size() > 1) from_->drop(*of.number);
    return std::optional(std::move(step));
  }

  status decode(std::span<rd_kafka_message_t* const> taken, partition& of, read_step& step) {
    decoder_->start_block();
    good_.clear();
    for (const auto* message : taken) {
      if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        SLUICE_TRY(take_event(*message, of));
        continue;
      }
      if (what_->bounded && message->offset >= of.piece.end) {
        of.next = of.piece.end;
        of.ended = true;
      }
      // A broker that has moved may send once more what is already read.
      if (of.ended || message->offset < of.next) continue;
      of.next = message->offset + 1;
      of.at_end = false;
      of.short_since.reset();
      good_.push_back(message);
      if (message->payload != nullptr) decoder_->join(value_of(*message));
      step.bytes += message->len + message->key_len;
    }
    if (what_->bounded && of.next >= of.piece.end) of.ended = true;
    decoder_->end_block();
    std::size_t number = 0;
    for (const auto* message : good_) {
      ++step.records;
      if (auto fault = read_message(*message, of, number)) {
        SLUICE_TRY(refuse(std::move(*fault), *message, of, step));
      } else if (what_->want_positions) {
        positions_.append(position{what_->number, of.piece.id, message->offset});
      }
    }
    return {};
  }

  static std::string_view value_of(const rd_kafka_message_t& of) {
    return {static_cast<const char*>(of.payload), of.payload == nullptr ? 0 : of.len};
  }

  std::optional<typed::record_fault> read_message(const rd_kafka_message_t& message, const partition& of,
                                                  std::size_t& number) {
    const bool has_value = message.payload != nullptr;
    const auto at = has_value ? number++ : number;
    if (!has_value && !wants_deleted_)
      return typed::record_fault{.code = "tombstone",
                                 .column = "",
                                 .message = "the message has no value, which says that its key was deleted"};
    if (auto fault = append_metadata(message, of.where.topic, *what_, decoder_->rows())) {
      decoder_->take_back();
      return fault;
    }
    if (!has_value) {
      decoder_->keep_without_value();
    } else if (const auto* fault = decoder_->read(at)) {
      return *fault;
    }
    return {};
  }

  /// What stands for something else than a message: the end of the partition, or an error.
  status take_event(const rd_kafka_message_t& message, partition& of) {
    if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      of.at_end = true;
      // Behind what was read may be marks of transactions, and messages of those that were aborted.
      if (message.offset > of.next) of.next = what_->bounded ? std::min(message.offset, of.piece.end) : message.offset;
      if (what_->bounded && message.offset >= of.piece.end) of.ended = true;
      if (what_->bounded && !of.ended && !of.short_since) of.short_since = std::chrono::steady_clock::now();
      return {};
    }
    if (message.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || message.err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
      return external_error("messages_gone",
                            "messages of " + of.piece.object + " from offset " + std::to_string(of.next) +
                                " on are not there any more: " + rd_kafka_message_errstr(&message),
                            "Kafka has deleted them before they were read (retention of the topic), or the topic was "
                            "made anew; start again with --fresh to read what is there");
    return kafka::from_kafka(message.err, "read " + of.piece.object);
  }

  status look_for_lost_tails() const {
    for (const auto& one : partitions_)
      if (one.short_since && std::chrono::steady_clock::now() - *one.short_since > wait_for_lost_tail)
        return external_error("messages_gone",
                              one.piece.object + " ends at offset " + std::to_string(one.next) +
                                  ", but at the start it ended at " + std::to_string(one.piece.end),
                              "a broker has lost messages; run it again to read what is there");
    return {};
  }

  status refuse(typed::record_fault fault, const rd_kafka_message_t& message, const partition& of, read_step& step) {
    return messages::refuse(
        *what_, what_->unit,
        {.fault = std::move(fault),
         .place = "the message at offset " + std::to_string(message.offset) + " of " + of.piece.object,
         .record = std::string(value_of(message)),
         .offset = static_cast<std::uint64_t>(message.offset)},
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

  std::shared_ptr<const kafka_table> what_;
  std::shared_ptr<const row_filter> filter_;  ///< may be null
  std::unique_ptr<kafka::consumer> from_;
  std::unique_ptr<messages::message_decoder> decoder_;
  bool wants_deleted_ = false;
  std::vector<partition> partitions_;
  std::size_t turn_ = 0;    ///< of the partition that was read last
  std::size_t silent_ = 0;  ///< the partition of which nothing new was told last
  std::vector<const rd_kafka_message_t*> good_;
  growing_bytes positions_;
};

}  // namespace

result<std::unique_ptr<split_reader>> read_kafka(std::shared_ptr<const kafka_table> what,
                                                 std::shared_ptr<const row_filter> filter, std::int64_t queued_bytes,
                                                 const split& piece, const std::string& position) {
  SLUICE_ASSIGN(auto from, kafka::consumer::make(what->where, {what->group, queued_bytes}));
  SLUICE_ASSIGN(auto decoder, messages::message_decoder::make(what));
  auto reader = std::make_unique<kafka_reader>(std::move(what), std::move(filter), std::move(from), std::move(decoder));
  SLUICE_TRY(reader->add(piece, position));
  return std::unique_ptr<split_reader>(std::move(reader));
}

}  // namespace sluice
