#include "engine/sinks/kafka/kafka_sink.hpp"

#include "engine/clients/kafka/topics.hpp"

#include <arrow/record_batch.h>

#include <algorithm>

namespace sluice {

using kafka::kafka_token;

namespace {

error lost(const kafka_token& token, const std::string& state) {
  return external_error(
      "prepared_lost",
      "transaction " + token.id + " with " + std::to_string(token.messages) + " messages can't be committed: " + state,
      "Kafka aborts transactions that are not committed within transaction_timeout; the messages are "
      "not visible. Run again with --fresh to write them again");
}

}  // namespace

kafka_topic_sink::kafka_topic_sink(const sink_request& request, kafka_sink_options what)
    : unit_(request.unit),
      policy_(request.policy),
      what_(std::move(what)),
      prefix_("sluice." + request.context->pipeline + "." + request.unit + "." + request.context->run_id + "."),
      encoder_(*request.schema, what_.columns, request.policy),
      transactions_(what_.where, &stop_) {}

kafka_topic_sink::~kafka_topic_sink() = default;

std::string kafka_topic_sink::id_of(std::uint32_t slot) const {
  return prefix_ + std::to_string(attempt_) + "." + std::to_string(slot);
}

status kafka_topic_sink::check_topic() {
  // As a consumer: where a producer asks for a topic, a broker may make it, with whatever settings are its default.
  SLUICE_ASSIGN(const auto asking, kafka::client::make(what_.where, kafka::client::role::consumer,
                                                       {{"allow.auto.create.topics", "false"}}));
  auto found = kafka::partitions_of(*asking, what_.how.topic, [this] { return stop_.raised(); });
  if (found.ok()) return {};
  auto why = std::move(found).problem();
  if (why.code == "unknown_topic" && !why.hint.starts_with("did you mean"))
    why.hint = "create the topic first, with the partitions and the retention that it needs; " + why.hint;
  why.path = "/kafka/topic";
  return why;
}

status kafka_topic_sink::open(std::uint32_t attempt) {
  attempt_ = attempt;
  SLUICE_TRY(check_topic());
  return start_epoch();
}

std::optional<std::int64_t> kafka_topic_sink::longest_epoch() const {
  constexpr std::int64_t microseconds = 1000;
  if (!what_.transactional) return std::nullopt;
  return what_.how.transaction_milliseconds * microseconds / 3;
}

status kafka_topic_sink::start_epoch() {
  auto how = what_.how;
  id_.clear();
  for (std::uint32_t slot = 0; what_.transactional && id_.empty(); ++slot)
    if (!prepared_.contains(id_of(slot))) id_ = id_of(slot);
  how.transactional_id = id_;
  SLUICE_ASSIGN(auto made, kafka::producer::make(what_.where, how, &stop_));
  hold(std::move(made));
  return {};
}

/// The one before is given up, which may take a moment, outside of the lock.
void kafka_topic_sink::hold(std::unique_ptr<kafka::producer> one) {
  const std::lock_guard guard(lock_);
  producer_.swap(one);
}

std::optional<down_state> kafka_topic_sink::down() const {
  const std::lock_guard guard(lock_);
  return producer_ ? producer_->down() : std::nullopt;
}

status kafka_topic_sink::refuse(row_error why, row_errors& refused) const {
  if (policy_ != on_error::reject)
    return user_error(why.code,
                      (why.column.empty() ? "" : "column " + why.column + ": ") + why.message + ", in row " +
                          std::to_string(rows_ + static_cast<std::uint64_t>(why.row) + 1),
                      "on_error: reject sends the row to the rejects");
  refused.push_back(std::move(why));
  return {};
}

status kafka_topic_sink::send(const messages::made_message& message, row_errors& refused) {
  const auto& columns = encoder_.columns();
  kafka::outgoing out{.value = message.value, .key = {}, .headers = nullptr};
  if (columns.key >= 0) out.key = encoder_.bytes_of(columns.key, message.row, key_room_);
  if (!columns.headers.empty()) {
    headers_.clear();
    std::string room;
    for (const auto& [name, column] : columns.headers)
      if (const auto value = encoder_.bytes_of(column, message.row, room)) headers_.emplace_back(name, *value);
    out.headers = &headers_;
  }
  SLUICE_ASSIGN(const auto sent, producer_->send(out));
  if (sent == kafka::producer::sent::yes) return {};
  return refuse({.row = message.row,
                 .code = "message_too_large",
                 .column = "",
                 .message = "a message of " + std::to_string(message.value ? message.value->size() : 0) +
                            " bytes is more than a message may have (1,000,000 bytes)"},
                refused);
}

status kafka_topic_sink::write(const batch& rows, row_errors& refused) {
  if (!producer_) SLUICE_TRY(start_epoch());
  encoder_.start(*rows.data);
  const auto before = refused.size();
  for (;;) {
    const auto misfits = refused.size();
    const auto message = encoder_.next(refused);
    if (policy_ == on_error::fail && refused.size() > misfits) return refuse(refused[misfits], refused);
    if (!message) break;
    SLUICE_TRY(send(*message, refused));
  }
  std::sort(refused.begin() + static_cast<std::ptrdiff_t>(before), refused.end(),
            [](const auto& a, const auto& b) { return a.row < b.row; });
  rows_ += static_cast<std::uint64_t>(rows.rows());
  return {};
}

result<prepared_epoch> kafka_topic_sink::prepare(std::uint64_t) {
  prepared_epoch made;
  made.report.target = "topic " + what_.how.topic;
  kafka_token token;
  if (producer_ && producer_->count() > 0) {
    SLUICE_TRY(producer_->flush());
    made.report.loaded = token.messages = producer_->count();
    made.report.bytes = producer_->bytes();
    made.report.set_null = encoder_.set_null() - std::exchange(set_null_, encoder_.set_null());
    if (what_.transactional) {
      SLUICE_ASSIGN(const auto open, transactions_.describe(id_));
      if (open.state != "Ongoing")
        return external_error("transaction_lost", "the transaction " + id_ + " is " + open.state + " instead of open",
                              "it took longer than transaction_timeout, or someone has aborted it", true);
      token.what = kafka_token::kind::transaction;
      token.id = id_;
      token.producer = open.producer;
      token.epoch = open.epoch;
      token.start = open.start;
      prepared_[id_] = false;
      hold(nullptr);  // the next epoch has another id
    }
    // One without transactions goes on, but counts its messages by epoch.
    else
      producer_->forget_counts();
  }
  made.token = kafka::to_bytes(token);
  return made;
}

status kafka_topic_sink::commit(const std::string& bytes) {
  SLUICE_ASSIGN(const auto token, kafka::read_token(bytes));
  if (token.what == kafka_token::kind::nothing) return {};
  SLUICE_ASSIGN(const auto now, transactions_.describe(token.id));
  // The id's last transaction is ours as long as nobody has initialised the id again.
  const bool ours = now.producer == token.producer && now.epoch == token.epoch;
  if (ours && (now.state == "CompleteCommit" || now.state == "PrepareCommit")) {
    prepared_[token.id] = true;
    return {};
  }
  if (!ours || now.state != "Ongoing" || now.start != token.start)
    return lost(token, !ours ? "another producer uses the id now, or the transaction has timed out"
                             : "it is in state " + now.state);
  SLUICE_ASSIGN(const auto ended, transactions_.end(token.id, token.producer, token.epoch, true));
  if (ended == kafka::transactions::ended::too_late) return lost(token, "it has timed out");
  // Those that were committed before this one are noted as such by whoever called: their ids are free.
  std::erase_if(prepared_, [](const auto& one) { return one.second; });
  prepared_[token.id] = true;
  return {};
}

status kafka_topic_sink::recover(const std::vector<std::string>& tokens) {
  for (const auto& token : tokens) SLUICE_TRY(commit(token));
  return abort_all_but({});
}

status kafka_topic_sink::keep(const std::vector<std::string>& tokens) {
  std::vector<std::string> kept;
  for (const auto& bytes : tokens) {
    SLUICE_ASSIGN(auto token, kafka::read_token(bytes));
    kept.push_back(std::move(token.id));
  }
  return abort_all_but(kept);
}

status kafka_topic_sink::abort_all_but(const std::vector<std::string>& kept) {
  if (!what_.transactional) return {};
  const auto end_one = [&](const std::string& id) -> result<bool> {
    SLUICE_ASSIGN(const auto now, transactions_.describe(id));
    const bool keeps = std::find(kept.begin(), kept.end(), id) != kept.end();
    if (now.state == "Ongoing" && !keeps) {
      SLUICE_ASSIGN(const auto ignored, transactions_.end(id, now.producer, now.epoch, false));
      (void)ignored;
    }
    return now.producer >= 0;
  };
  // A broker that has just started lists nothing of what it has not loaded yet. Who asks for an id is told to wait.
  for (std::uint32_t attempt = 1;; ++attempt) {
    std::uint32_t slot = 0;
    for (;; ++slot) {
      SLUICE_ASSIGN(const bool used, end_one(prefix_ + std::to_string(attempt) + "." + std::to_string(slot)));
      if (!used) break;
    }
    if (slot == 0) break;
  }
  SLUICE_ASSIGN(const auto open, transactions_.open_ones(prefix_));
  for (const auto& id : open) SLUICE_TRY(end_one(id));
  return {};
}

void kafka_topic_sink::abort_transaction(const std::string& id) {
  const auto now = transactions_.describe(id);
  if (now.ok() && now->state == "Ongoing") (void)transactions_.end(id, now->producer, now->epoch, false);
}

void kafka_topic_sink::abort() noexcept {
  try {
    const bool written = producer_ && producer_->count() > 0;
    hold(nullptr);
    if (!what_.transactional) return;
    if (written) abort_transaction(id_);
    for (const auto& [id, committed] : prepared_)
      if (!committed) abort_transaction(id);
  } catch (const std::exception&) {
    // The broker aborts what is left after transaction_timeout.
  }
}

}  // namespace sluice
