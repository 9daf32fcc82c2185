#include "engine/clients/rabbitmq/consumer.hpp"

#include "engine/clients/rabbitmq/headers.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>

namespace sluice::rabbitmq {

namespace {

using namespace std::chrono_literals;

constexpr int heartbeat_seconds = 20;
// At least that often librabbitmq gets to send its heartbeats.
constexpr int longest_wait_milliseconds = 1000;

std::string text_of(const amqp_bytes_t& bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.bytes == nullptr ? 0 : bytes.len};
}

amqp_bytes_t bytes_of(const std::string& text) { return {text.size(), const_cast<char*>(text.data())}; }

/// Frees an envelope however its scope ends.
struct held_envelope {
  amqp_envelope_t of = {};
  bool filled = false;
  held_envelope() = default;
  ~held_envelope() {
    if (filled) amqp_destroy_envelope(&of);
  }
  held_envelope(const held_envelope&) = delete;
  held_envelope& operator=(const held_envelope&) = delete;
};

}  // namespace

consumer::consumer(server where, consumer_settings how)
    : where_(std::move(where)),
      how_(std::move(how)),
      waits_(how_.retry, how_.seed),
      wanted_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      before_(how_.last_number),
      last_(how_.last_number),
      acknowledge_(how_.last_number),
      acknowledged_(how_.last_number),
      thread_([this] { work(); }) {}

consumer::~consumer() {
  interrupt();
  thread_.join();
  if (wanted_ >= 0) ::close(wanted_);
}

void consumer::interrupt() noexcept {
  stop_.raise();
  {
    const std::lock_guard guard(lock_);
    if (open_) open_->cut();
  }
  changed_.notify_all();
  wake();
}

void consumer::wake() noexcept {
  const std::uint64_t one = 1;
  (void)!::write(wanted_, &one, sizeof one);
}

result<std::vector<message>> consumer::take(std::size_t most, std::size_t bytes,
                                            std::chrono::steady_clock::time_point until) {
  std::unique_lock held(lock_);
  changed_.wait_until(held, until, [this] { return !ready_.empty() || failed_ || stop_.raised(); });
  if (stop_.raised()) return interrupted_error("reading from RabbitMQ");
  if (ready_.empty() && failed_) return *failed_;
  std::vector<message> taken;
  for (std::size_t size = 0; !ready_.empty() && taken.size() < most && size < bytes;) {
    size += ready_.front().body.size();
    taken.push_back(std::move(ready_.front()));
    ready_.pop_front();
  }
  return taken;
}

void consumer::acknowledge(std::uint64_t upto) {
  {
    const std::lock_guard guard(lock_);
    acknowledge_ = std::max(acknowledge_, upto);
  }
  wake();
}

void consumer::flush(std::chrono::milliseconds longest) {
  std::unique_lock held(lock_);
  changed_.wait_for(held, longest,
                    [this] { return acknowledged_ >= acknowledge_ || !open_ || failed_ || stop_.raised(); });
}

void consumer::work() {
  while (!stop_.raised()) {
    status lost;
    try {
      lost = serve();
    } catch (const std::exception& what) {
      lost = external_error("out_of_memory", "read queue " + how_.queue + ": " + what.what());
    }
    {
      const std::lock_guard guard(lock_);
      open_.reset();
      // The broker gives them again.
      ready_.clear();
      before_ = last_;
    }
    changed_.notify_all();
    if (stop_.raised() || lost.ok()) return;
    down_.failed(lost.problem().message);
    const auto tries = waits_.tried();
    const auto wait = lost.problem().retry ? waits_.next() : std::nullopt;
    if (!wait) {
      auto why = std::move(lost).problem();
      if (tries > 0) why.message += " (after " + std::to_string(tries + 1) + " tries)";
      const std::lock_guard guard(lock_);
      failed_ = std::move(why);
      changed_.notify_all();
      return;
    }
    stop_.sleep_until(std::chrono::steady_clock::now() + *wait);
  }
}

/// Until the connection is lost (the error) or it is to end.
status consumer::serve() {
  SLUICE_ASSIGN(auto made, connection::open(where_, heartbeat_seconds, stop_));
  auto& with = *made;
  SLUICE_TRY(start(with));
  {
    const std::lock_guard guard(lock_);
    open_ = std::move(made);
  }
  waits_.reset();
  down_.reached();
  while (!stop_.raised()) {
    SLUICE_TRY(send_acknowledgements(with));
    SLUICE_TRY(receive(with));
    wait_for_something(with);
  }
  return {};
}

status consumer::start(connection& with) {
  auto* const state = with.get();
  const auto doing = "read queue " + how_.queue + " of " + where_.shown();
  const auto* declared =
      amqp_queue_declare(state, connection::channel, bytes_of(how_.queue), 1, 0, 0, 0, amqp_empty_table);
  SLUICE_TRY(with.last_reply(doing));
  waiting_ = declared == nullptr ? 0 : declared->message_count;
  amqp_basic_qos(state, connection::channel, 0, how_.prefetch, 0);
  SLUICE_TRY(with.last_reply(doing));
  amqp_basic_consume(state, connection::channel, bytes_of(how_.queue), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
  return with.last_reply(doing);
}

/// Takes in all messages that have come.
status consumer::receive(connection& with) {
  const auto doing = "read queue " + how_.queue + " of " + where_.shown();
  constexpr std::size_t told_at = 512;
  for (std::size_t count = 0; !stop_.raised(); ++count) {
    // Some at a time, so that what is to be acknowledged does not wait for a queue that is never empty.
    if (count == told_at) {
      wake();
      return {};
    }
    held_envelope one;
    timeval now{0, 0};
    amqp_maybe_release_buffers(with.get());
    const auto reply = amqp_consume_message(with.get(), &one.of, &now, 0);
    if (reply.reply_type == AMQP_RESPONSE_NORMAL) {
      one.filled = true;
      take_in(one.of);
      continue;
    }
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION && reply.library_error == AMQP_STATUS_TIMEOUT) return {};
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION && reply.library_error == AMQP_STATUS_UNEXPECTED_STATE) {
      SLUICE_TRY(with.take_stray_frame(doing));
      continue;
    }
    return with.of_reply(reply, doing);
  }
  return {};
}

void consumer::take_in(const amqp_envelope_t& envelope) {
  const auto& properties = envelope.message.properties;
  message made{.redelivered = envelope.redelivered != 0,
               .exchange = text_of(envelope.exchange),
               .routing_key = text_of(envelope.routing_key),
               .id = {},
               .timestamp = {},
               .body = text_of(envelope.message.body)};
  if ((properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0 && properties.message_id.len > 0)
    made.id = text_of(properties.message_id);
  if ((properties._flags & AMQP_BASIC_TIMESTAMP_FLAG) != 0)
    made.timestamp = static_cast<std::int64_t>(properties.timestamp);
  if (how_.headers && (properties._flags & AMQP_BASIC_HEADERS_FLAG) != 0)
    made.headers = headers_as_json(properties.headers);
  {
    const std::lock_guard guard(lock_);
    made.number = last_ = before_ + envelope.delivery_tag;
    ready_.push_back(std::move(made));
  }
  changed_.notify_all();
}

status consumer::send_acknowledgements(connection& with) {
  std::uint64_t upto = 0;
  std::uint64_t tag = 0;
  {
    const std::lock_guard guard(lock_);
    if (acknowledge_ <= acknowledged_) return {};
    upto = acknowledge_;
    // Messages of earlier connections come again.
    if (upto > before_) tag = std::min(upto, last_) - before_;
  }
  if (tag > 0) {
    constexpr amqp_boolean_t all_up_to_it = 1;
    if (const int code = amqp_basic_ack(with.get(), connection::channel, tag, all_up_to_it); code != AMQP_STATUS_OK)
      return with.of_status(code, "acknowledge messages of queue " + how_.queue);
  }
  {
    const std::lock_guard guard(lock_);
    acknowledged_ = upto;
  }
  changed_.notify_all();
  return {};
}

void consumer::wait_for_something(const connection& with) {
  pollfd files[] = {{with.socket(), POLLIN, 0}, {wanted_, POLLIN, 0}};
  if (::poll(files, 2, longest_wait_milliseconds) <= 0) return;
  if ((files[1].revents & POLLIN) == 0) return;
  std::uint64_t count = 0;
  (void)!::read(wanted_, &count, sizeof count);
}

}  // namespace sluice::rabbitmq
