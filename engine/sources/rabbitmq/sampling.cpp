#include "engine/error/names.hpp"
#include "engine/formats/messages/message_sample.hpp"
#include "engine/sources/rabbitmq/queue_source.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace sluice {

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t default_messages = 1000;
constexpr std::int64_t most_messages = 65'535;
constexpr auto longest_wait = 5s;
constexpr std::size_t most_bytes = 8U << 20;

}  // namespace

result<std::shared_ptr<arrow::Schema>> sample_queue(const queue_table& of, std::optional<std::int64_t> messages) {
  const auto most = std::clamp<std::int64_t>(messages.value_or(default_messages), 1, most_messages);
  auto how = of.how;
  how.prefetch = static_cast<std::uint16_t>(most);
  // Nothing is acknowledged: when the connection is closed, the broker puts them back where they were.
  rabbitmq::consumer from(of.where, std::move(how));
  messages::message_sample all;
  const auto until = std::chrono::steady_clock::now() + longest_wait;
  for (std::int64_t seen = 0; seen < most;) {
    const auto now = std::chrono::steady_clock::now();
    // What was in the queue at the start is enough.
    const bool enough = seen > 0 && seen >= static_cast<std::int64_t>(from.waiting_at_start());
    if (enough || now >= until) break;
    SLUICE_ASSIGN(auto taken, from.take(static_cast<std::size_t>(most - seen), most_bytes, until));
    seen += static_cast<std::int64_t>(taken.size());
    for (const auto& one : taken) all.look(one.body);
  }
  return all.schema("queue " + of.how.queue);
}

}  // namespace sluice
