#include "engine/clients/rabbitmq/publisher.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <sys/time.h>

#include <algorithm>
#include <cstring>

namespace sluice::rabbitmq {

namespace {

using namespace std::chrono_literals;

// 2,000 gave 4,055 messages a second where one at a time gave 111.
constexpr std::size_t most_pending = 2000;
constexpr std::size_t most_pending_bytes = 32U << 20;
constexpr std::size_t look_every = 64;
constexpr auto one_look = 200ms;

amqp_bytes_t bytes_of(const std::string& text) { return {text.size(), const_cast<char*>(text.data())}; }

std::string text_of(const amqp_bytes_t& bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.bytes == nullptr ? 0 : bytes.len};
}

}  // namespace

publisher::publisher(server where, std::string exchange, const retry_rule& retry, std::uint64_t seed,
                     std::chrono::milliseconds patience)
    : where_(std::move(where)), exchange_(std::move(exchange)), patience_(patience), waits_(retry, seed) {}

publisher::~publisher() { close(); }

void publisher::interrupt() noexcept {
  stop_.raise();
  const std::lock_guard guard(lock_);
  if (open_) open_->cut();
}

void publisher::close() noexcept {
  const std::lock_guard guard(lock_);
  open_.reset();
}

template <class Work>
status publisher::persist(Work&& work) {
  for (;;) {
    auto done = open_ ? status() : connect();
    if (done.ok()) done = work();
    if (done.ok()) {
      down_.reached();
      return {};
    }
    auto why = std::move(done).problem();
    close();
    if (stop_.raised()) return interrupted_error("writing to RabbitMQ");
    if (why.retry) down_.failed(why.message);
    const auto tries = waits_.tried();
    const auto wait = why.retry ? waits_.next() : std::nullopt;
    if (!wait) {
      if (tries > 0) why.message += " (after " + std::to_string(tries + 1) + " tries)";
      return why;
    }
    if (!stop_.sleep_until(std::chrono::steady_clock::now() + *wait)) return interrupted_error("writing to RabbitMQ");
  }
}

status publisher::open() {
  return persist([] { return status(); });
}

/// Sends again what the last connection left unconfirmed.
status publisher::connect() {
  // Nobody would send heartbeats between two batches; a broker that is gone is seen when nothing is confirmed.
  constexpr int no_heartbeat = 0;
  SLUICE_ASSIGN(auto made, connection::open(where_, no_heartbeat, stop_));
  if (!exchange_.empty()) {
    amqp_exchange_declare(made->get(), connection::channel, bytes_of(exchange_), amqp_empty_bytes, 1, 0, 0, 0,
                          amqp_empty_table);
    SLUICE_TRY(made->last_reply("write to exchange " + exchange_ + " of " + where_.shown()));
  }
  amqp_confirm_select(made->get(), connection::channel);
  SLUICE_TRY(made->last_reply("ask " + where_.shown() + " for confirms"));
  {
    const std::lock_guard guard(lock_);
    open_ = std::move(made);
  }
  last_tag_ = 0;
  for (auto& one : pending_) {
    one.confirmed = false;
    one.returned.reset();
    SLUICE_TRY(send(one));
  }
  return {};
}

status publisher::publish(outgoing what) {
  bytes_ += what.body.size();
  pending_.push_back({.what = std::move(what)});
  const auto send_last = [this] {
    // A new connection has sent it already.
    return pending_.back().tag != 0 ? status() : send(pending_.back());
  };
  SLUICE_TRY(persist(send_last));
  if (last_tag_ % look_every == 0) SLUICE_TRY(persist([this] { return pump(0ms); }));
  if (pending_.size() < most_pending && bytes_ < most_pending_bytes) return {};
  return wait_below(std::max<std::size_t>(pending_.size() / 2, 1));
}

status publisher::send(pending& one) {
  one.tag = ++last_tag_;
  amqp_basic_properties_t properties;
  std::memset(&properties, 0, sizeof properties);
  properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG;
  constexpr std::uint8_t transient = 1;
  constexpr std::uint8_t persistent = 2;
  properties.delivery_mode = one.what.persistent ? persistent : transient;
  properties.message_id = bytes_of(one.what.message_id);
  properties.content_type = bytes_of(one.what.content_type);
  std::vector<amqp_table_entry_t> headers;
  for (const auto& [name, value] : one.what.headers) {
    amqp_table_entry_t entry;
    entry.key = bytes_of(name);
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = bytes_of(value);
    headers.push_back(entry);
  }
  if (!headers.empty()) {
    properties._flags |= AMQP_BASIC_HEADERS_FLAG;
    properties.headers = {static_cast<int>(headers.size()), headers.data()};
  }
  constexpr amqp_boolean_t mandatory = 1;
  const int code =
      amqp_basic_publish(open_->get(), connection::channel, bytes_of(exchange_), bytes_of(one.what.routing_key),
                         mandatory, 0, &properties, bytes_of(one.what.body));
  if (code == AMQP_STATUS_OK) return {};
  return open_->of_status(code, "write to exchange " + exchange_);
}

status publisher::wait_below(std::size_t count) {
  auto quiet_since = std::chrono::steady_clock::now();
  auto before = pending_.size();
  const auto look = [&]() -> status {
    SLUICE_TRY(pump(one_look));
    if (stop_.raised()) return interrupted_error("writing to RabbitMQ");
    const auto now = std::chrono::steady_clock::now();
    if (pending_.size() < before) quiet_since = now;
    before = pending_.size();
    if (now - quiet_since < patience_) return {};
    quiet_since = now;
    return external_error("connection_lost",
                          "RabbitMQ at " + where_.shown() + " has confirmed no message for " +
                              std::to_string(patience_.count() / 1000) + " s",
                          "the broker may have raised an alarm for memory or disk: rabbitmqctl status shows it", true);
  };
  while (pending_.size() >= count) SLUICE_TRY(persist(look));
  return {};
}

status publisher::pump(std::chrono::milliseconds longest) {
  auto* const state = open_->get();
  const auto doing = "write to exchange " + exchange_;
  for (timeval limit{0, static_cast<suseconds_t>(longest.count() * 1000)};; limit = {0, 0}) {
    amqp_maybe_release_buffers(state);
    amqp_frame_t frame;
    const int code = amqp_simple_wait_frame_noblock(state, &frame, &limit);
    if (code == AMQP_STATUS_TIMEOUT) return {};
    if (code != AMQP_STATUS_OK) return open_->of_status(code, doing);
    if (frame.frame_type != AMQP_FRAME_METHOD) continue;
    const auto& method = frame.payload.method;
    switch (method.id) {
      case AMQP_BASIC_ACK_METHOD: {
        const auto* ack = static_cast<const amqp_basic_ack_t*>(method.decoded);
        confirm(ack->delivery_tag, ack->multiple != 0);
        break;
      }
      case AMQP_BASIC_NACK_METHOD:
        return external_error("message_refused",
                              doing + ": the broker has refused a message; a queue may be at its limit",
                              "make room in the queue, or raise its x-max-length", true);
      case AMQP_BASIC_RETURN_METHOD:
        SLUICE_TRY(take_return(method.decoded));
        break;
      case AMQP_CONNECTION_CLOSE_METHOD: {
        const auto* why = static_cast<const amqp_connection_close_t*>(method.decoded);
        return refused_by_broker(why->reply_code, text_of(why->reply_text), doing);
      }
      case AMQP_CHANNEL_CLOSE_METHOD: {
        const auto* why = static_cast<const amqp_channel_close_t*>(method.decoded);
        return refused_by_broker(why->reply_code, text_of(why->reply_text), doing);
      }
      default:
        break;
    }
  }
}

/// A message that comes back; its confirm follows. It has no tag, so it is known by its id and routing key: of several
/// that are the same in both, the first one that has not come back yet.
status publisher::take_return(const void* method) {
  const auto* back = static_cast<const amqp_basic_return_t*>(method);
  const auto key = text_of(back->routing_key);
  const auto why = text_of(back->reply_text);
  amqp_message_t content;
  const auto reply = amqp_read_message(open_->get(), connection::channel, &content, 0);
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) return open_->of_reply(reply, "write to exchange " + exchange_);
  const auto id = text_of(content.properties.message_id);
  amqp_destroy_message(&content);
  for (auto& one : pending_) {
    if (one.returned || one.confirmed || one.what.routing_key != key || one.what.message_id != id) continue;
    one.returned = why;
    return {};
  }
  return {};
}

void publisher::confirm(std::uint64_t tag, bool all_up_to_it) {
  for (auto& one : pending_) {
    if (one.tag > tag) break;
    if (all_up_to_it || one.tag == tag) one.confirmed = true;
  }
  while (!pending_.empty() && pending_.front().confirmed) {
    auto& one = pending_.front();
    if (one.returned) unroutable_.push_back({one.what.number, *one.returned});
    bytes_ -= one.what.body.size();
    pending_.pop_front();
    waits_.reset();
  }
}

}  // namespace sluice::rabbitmq
