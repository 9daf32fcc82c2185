#include "engine/sources/rabbitmq/queue_source.hpp"

#include "engine/columns/row_filter.hpp"
#include "engine/component/opaque.hpp"
#include "engine/sources/rabbitmq/queue_reader.hpp"

#include <algorithm>
#include <ctime>
#include <limits>

namespace sluice {

namespace {

using namespace std::chrono_literals;

constexpr char position_in_queue = 'r';
// Well below the 30 min after which a broker takes an unacknowledged message back (consumer_timeout).
constexpr auto longest_unsettled = 5min;
// What was acknowledged last should reach the broker before the connection is closed.
constexpr auto last_words = 2000ms;

std::int64_t seconds_now() { return static_cast<std::int64_t>(std::time(nullptr)); }

struct queue_position {
  std::uint64_t number = 0;
  std::string ids;
};

result<queue_position> read_position(const std::string& position, const std::string& queue) {
  opaque_reader bytes(position, position_in_queue);
  queue_position made;
  made.number = static_cast<std::uint64_t>(bytes.number());
  const auto of = bytes.text();
  made.ids = bytes.text();
  SLUICE_TRY(bytes.done("the position in a queue of RabbitMQ"));
  if (of != queue)
    return external_error("split_numbering",
                          "the known position is that of queue " + of + ", and queue " + queue + " is read now",
                          "start again with --fresh");
  return made;
}

}  // namespace

std::string queue_position_of(const std::string& queue, std::uint64_t number, const std::string& ids) {
  return opaque_writer(position_in_queue).number(static_cast<std::int64_t>(number)).text(queue).text(ids).take();
}

queue_source::queue_source(std::shared_ptr<const queue_table> what)
    : what_(std::move(what)), ids_(what_->dedup_seconds) {}

queue_source::~queue_source() {
  if (from_) from_->flush(last_words);
}

status queue_source::leave_out_unless(const std::string& condition, const std::string& unit,
                                      const run_context& context) {
  SLUICE_ASSIGN(filter_, row_filter::make(condition, unit, context, schema()));
  return {};
}

result<std::vector<split>> queue_source::discover() {
  const std::lock_guard guard(lock_);
  discovered_ = true;
  return std::vector<split>{
      {.id = 0, .object = what_->how.queue, .begin = 0, .end = std::numeric_limits<std::int64_t>::max()}};
}

result<std::unique_ptr<split_reader>> queue_source::open(const split&, const std::string& position) {
  const std::lock_guard guard(lock_);
  if (!discovered_)
    return user_error("not_supported",
                      "a queue of RabbitMQ must be read on one node, because messages are acknowledged "
                      "on the connection that gave them",
                      "place: { node: NAME }");
  queue_position known;
  if (!position.empty()) {
    SLUICE_ASSIGN(known, read_position(position, what_->how.queue));
  }
  SLUICE_TRY(ids_.restore(known.ids, known.number, seconds_now()));
  taken_ = acknowledged_ = known.number;
  unsettled_since_.reset();
  asked_ = false;
  auto how = what_->how;
  how.last_number = known.number;
  from_ = std::make_shared<rabbitmq::consumer>(what_->where, std::move(how));
  return read_queue(what_, filter_, *this, from_, known.number);
}

bool queue_source::note(const rabbitmq::message& one) {
  const std::lock_guard guard(lock_);
  taken_ = one.number;
  if (!unsettled_since_) unsettled_since_ = std::chrono::steady_clock::now();
  return what_->dedup_seconds == 0 || !one.id || ids_.add(*one.id, one.number, seconds_now());
}

bool queue_source::wants_checkpoint() {
  const std::lock_guard guard(lock_);
  if (asked_ || taken_ == acknowledged_) return false;
  const auto half = static_cast<std::uint64_t>(std::max(what_->how.prefetch / 2, 1));
  const bool old = unsettled_since_ && std::chrono::steady_clock::now() - *unsettled_since_ > longest_unsettled;
  asked_ = old || taken_ - acknowledged_ >= half;
  return asked_;
}

std::string queue_source::whole_position(const std::string& of_step) {
  const auto at = read_position(of_step, what_->how.queue);
  // One that came from a checkpoint has the ids already, and nothing was read since.
  if (!at.ok() || !at->ids.empty()) return of_step;
  const std::lock_guard guard(lock_);
  return queue_position_of(what_->how.queue, at->number, ids_.upto(at->number));
}

status queue_source::committed(std::uint64_t, const std::vector<split_progress>& upto) {
  std::shared_ptr<rabbitmq::consumer> from;
  std::uint64_t number = 0;
  for (const auto& one : upto) {
    if (one.position.empty()) continue;
    SLUICE_ASSIGN(const auto at, read_position(one.position, what_->how.queue));
    number = at.number;
  }
  {
    const std::lock_guard guard(lock_);
    from = from_;
    asked_ = false;
    unsettled_since_.reset();
    acknowledged_ = std::max(acknowledged_, number);
    if (taken_ > acknowledged_) unsettled_since_ = std::chrono::steady_clock::now();
    ids_.settled(number, seconds_now());
  }
  if (from) from->acknowledge(number);
  return {};
}

void queue_source::interrupt() noexcept {
  // The reader ends its own waiting; the connection is needed until the last checkpoint is committed.
}

}  // namespace sluice
