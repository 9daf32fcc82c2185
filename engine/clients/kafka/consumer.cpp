#include "engine/clients/kafka/consumer.hpp"

#include <librdkafka/rdkafka.h>

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

namespace sluice::kafka {

namespace {

using namespace std::chrono_literals;

client::settings settings_of(const consumer_settings& how) {
  const auto ahead = std::clamp<std::int64_t>(how.queued_bytes, 1 << 20, std::int64_t{1} << 30);
  return {
      {"group.id", how.group},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      // An offset that is gone is an error: to go on elsewhere would lose messages, or read them twice.
      {"auto.offset.reset", "error"},
      {"isolation.level", "read_committed"},
      {"enable.partition.eof", "true"},
      {"allow.auto.create.topics", "false"},
      // The default of 100,000 made a consumer of librdkafka 2.0.2 five times slower: the bytes are the limit.
      {"queued.min.messages", "1000000"},
      {"queued.max.messages.kbytes", std::to_string(ahead / 1024)},
      {"fetch.message.max.bytes", std::to_string(std::min<std::int64_t>(ahead, 4'000'000))},
      {"fetch.queue.backoff.ms", "10"},
      {"fetch.error.backoff.ms", "100"},
  };
}

}  // namespace

taken_messages::~taken_messages() {
  for (auto* message : all()) rd_kafka_message_destroy(message);
}

result<std::unique_ptr<consumer>> consumer::make(const cluster& where, const consumer_settings& how) {
  SLUICE_ASSIGN(auto with, client::make(where, client::role::consumer, settings_of(how)));
  const int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0) return from_errno(errno, "make an event file");
  return std::unique_ptr<consumer>(new consumer(std::move(with), event));
}

consumer::~consumer() {
  for (const auto& one : queues_)
    if (one.queue != nullptr) {
      rd_kafka_queue_io_event_enable(one.queue, -1, nullptr, 0);
      rd_kafka_queue_destroy(one.queue);
    }
  client_.reset();
  ::close(event_);
}

result<std::size_t> consumer::add(const topic_partition& what, std::int64_t offset) {
  const auto doing = "read partition " + std::to_string(what.partition) + " of topic " + what.topic;
  auto* const queue = rd_kafka_queue_get_partition(client_->get(), what.topic.c_str(), what.partition);
  if (queue == nullptr) return from_kafka(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, doing);
  queues_.push_back({what, queue});
  rd_kafka_queue_forward(queue, nullptr);  // out of the queue that all partitions share
  static constexpr std::uint64_t one = 1;
  rd_kafka_queue_io_event_enable(queue, event_, &one, sizeof one);
  using list_ptr = std::unique_ptr<rd_kafka_topic_partition_list_t, decltype(&rd_kafka_topic_partition_list_destroy)>;
  const list_ptr list(rd_kafka_topic_partition_list_new(1), rd_kafka_topic_partition_list_destroy);
  rd_kafka_topic_partition_list_add(list.get(), what.topic.c_str(), what.partition)->offset = offset;
  if (auto* wrong = rd_kafka_incremental_assign(client_->get(), list.get())) {
    const auto code = rd_kafka_error_code(wrong);
    rd_kafka_error_destroy(wrong);
    return from_kafka(code, doing);
  }
  return queues_.size() - 1;
}

void consumer::drop(std::size_t number) {
  auto& gone = queues_[number];
  if (gone.queue == nullptr) return;
  const auto list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, gone.what.topic.c_str(), gone.what.partition);
  if (auto* wrong = rd_kafka_incremental_unassign(client_->get(), list)) rd_kafka_error_destroy(wrong);
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_queue_io_event_enable(gone.queue, -1, nullptr, 0);
  rd_kafka_queue_destroy(gone.queue);
  gone.queue = nullptr;
}

taken_messages consumer::take(std::size_t number, std::size_t most) {
  auto* const queue = queues_[number].queue;
  if (room_.size() < most) room_.resize(most);
  const auto count = queue == nullptr ? 0 : rd_kafka_consume_batch_queue(queue, 0, room_.data(), most);
  return taken_messages(room_, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
}

/// Fetching goes on by itself once a broker is back, but where nothing new has come nobody says so.
void consumer::see_whether_it_is_back() {
  const auto now = std::chrono::steady_clock::now();
  if (!client_->heard().lost() || now - asked_ < 1s || queues_.empty()) return;
  asked_ = now;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  constexpr int milliseconds = 300;
  const auto& any = queues_.front().what;
  if (rd_kafka_query_watermark_offsets(client_->get(), any.topic.c_str(), any.partition, &begin, &end, milliseconds) ==
      RD_KAFKA_RESP_ERR_NO_ERROR)
    client_->heard().over();
}

result<bool> consumer::wait(std::chrono::steady_clock::time_point until, std::chrono::milliseconds patience) {
  client_->poll(0);
  see_whether_it_is_back();
  if (auto why = client_->heard().given_up(patience)) return std::move(*why);
  // Events of the client itself, such as a lost broker, come by poll alone.
  const auto soon = std::min(until, std::chrono::steady_clock::now() + 250ms);
  const bool goes_on = stopped_.wait_readable(event_, soon);
  std::uint64_t count = 0;
  (void)!::read(event_, &count, sizeof count);
  return goes_on;
}

}  // namespace sluice::kafka
