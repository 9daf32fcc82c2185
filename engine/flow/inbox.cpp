#include "engine/flow/inbox.hpp"

#include "engine/component/opaque.hpp"

#include <algorithm>
#include <tuple>
#include <type_traits>

namespace sluice::flow {

namespace {

constexpr char inbox_places = 'i';

std::size_t inputs_of(const plan& of, instance_id who) {
  std::size_t inputs = 0;
  for (const auto& edge : of.edges)
    if (edge.to_unit == static_cast<int>(who.unit))
      inputs = std::max(inputs, static_cast<std::size_t>(edge.to_input) + 1);
  return inputs;
}

bool comes_before(const order_key& a, const order_key& b) {
  return std::tie(a.split, a.sequence, a.chunk) < std::tie(b.split, b.sequence, b.chunk);
}

due_credit credit_for(const channel_id& channel, std::int64_t rows) {
  return rows > 0 ? due_credit{channel, rows, 0} : due_credit{channel, 0, 1};
}

}  // namespace

inbox::inbox(const plan& of, instance_id who, const std::vector<channel_id>& channels,
             std::shared_ptr<memory::manager> memory)
    : plan_(&of),
      memory_(std::move(memory)),
      names_(channels),
      inputs_(inputs_of(of, who)),
      alignment_(channels.size()) {
  for (const auto& edge : of.edges)
    if (edge.to_unit == static_cast<int>(who.unit)) {
      inputs_[static_cast<std::size_t>(edge.to_input)].restore_order = edge.restore_order;
      inputs_[static_cast<std::size_t>(edge.to_input)].timed = edge.timed;
    }
  for (const auto& name : channels) {
    const auto input = of.edges[name.edge].to_input;
    channels_.push_back({.name = name, .input = input, .blocked = {}});
    ++inputs_[static_cast<std::size_t>(input)].open;
  }
  open_ = inputs_.size();
  for (std::size_t input = 0; input < inputs_.size(); ++input) {
    if (inputs_[input].open > 0) continue;
    --open_;
    ready_.push_back(input_ended{static_cast<int>(input)});
  }
}

status inbox::take(const channel_id& channel, wire::payload body, std::vector<due_credit>& now) {
  const auto found = std::find(names_.begin(), names_.end(), channel);
  if (found == names_.end()) return internal_error("protocol_error", "data came on a channel that does not end here");
  const auto index = static_cast<std::size_t>(found - names_.begin());
  if (channels_[index].ended)
    return internal_error("protocol_error", channel_name(*plan_, channel) + ": data came after its end");
  if (!channels_[index].blocked.empty() || must_wait(index, body)) {
    channels_[index].blocked.push_back(std::move(body));
    return aligned_ ? check_gaps() : status{};
  }
  SLUICE_TRY(accept(index, std::move(body), now));
  return pass_barrier(now);
}

bool inbox::must_wait(std::size_t index, const wire::payload& body) const {
  if (alignment_.waits(index)) return true;
  if (!aligned_) return false;
  // The barrier waits for a gap in the order of some input: only what fills it may come.
  const auto& gap = inputs_[static_cast<std::size_t>(channels_[index].input)].gap_upto;
  const auto* const rows = std::get_if<batch>(&body);
  return !gap || rows == nullptr || !comes_before(rows->order, *gap);
}

status inbox::accept(std::size_t index, wire::payload body, std::vector<due_credit>& now) {
  auto& channel = channels_[index];
  if (auto* rows = std::get_if<batch>(&body)) return take_batch(channel, std::move(*rows), now);
  if (const auto* mark = std::get_if<wire::watermark>(&body)) {
    take_watermark(channel, mark->time);
    return {};
  }
  std::optional<std::uint64_t> aligned;
  if (const auto* end = std::get_if<wire::end_of_data>(&body)) {
    SLUICE_TRY(end_channel(index, end->rows));
    aligned = alignment_.ended(index);
  } else if (const auto* barrier = std::get_if<wire::barrier>(&body)) {
    for (std::size_t input = 0; input < inputs_.size(); ++input) let_in(static_cast<int>(input));
    aligned = alignment_.arrived(index, barrier->epoch);
  }
  if (!aligned) return {};
  aligned_ = aligned;
  for (auto& input : inputs_)
    if (input.order.held() > 0) input.gap_upto = input.order.last();
  return {};
}

status inbox::take_batch(channel_state& channel, batch rows, std::vector<due_credit>& now) {
  const auto count = rows.rows();
  channel.rows += static_cast<std::uint64_t>(count);
  auto credit = credit_for(channel.name, count);
  if (given_up_) {
    dropped_ += static_cast<std::uint64_t>(count);
    now.push_back(credit);
    return {};
  }
  auto& input = inputs_[static_cast<std::size_t>(channel.input)];
  if (!input.restore_order) {
    make_ready(static_cast<std::size_t>(channel.input), arrived_batch{channel.input, std::move(rows), credit});
    return {};
  }
  const auto key = rows.order;
  arrived_batch arrived{channel.input, std::move(rows), credit};
  if (!input.order.is_next(key)) {
    now.push_back(credit);
    arrived.owed.reset();
    if (memory_) arrived.early = std::make_shared<memory::queued_bytes>(memory_, arrived.rows.bytes());
  }
  input.order.put(key, std::move(arrived));
  while (auto next = input.order.pop()) make_ready(static_cast<std::size_t>(channel.input), std::move(*next));
  release_times(static_cast<std::size_t>(channel.input));
  return {};
}

void inbox::take_watermark(channel_state& channel, std::int64_t time) {
  const auto index = static_cast<std::size_t>(channel.input);
  auto& input = inputs_[index];
  if (given_up_ || !input.timed) return;
  const bool was_idle = std::exchange(channel.idle, time == idle_mark);
  if (!channel.idle) {
    if (!was_idle && channel.time && *channel.time >= time) return;
    channel.time = std::max(channel.time.value_or(time), time);
  }
  std::optional<std::int64_t> lowest;
  bool all_idle = true;
  for (const auto& one : channels_) {
    if (one.input != channel.input || one.idle) continue;
    all_idle = false;
    if (!one.time) return;
    lowest = std::min(lowest.value_or(*one.time), *one.time);
  }
  if (all_idle == input.idle && (!lowest || (input.time && *input.time >= *lowest))) return;
  input.idle = all_idle;
  if (lowest) input.time = std::max(input.time.value_or(*lowest), *lowest);
  const auto mark = all_idle ? idle_mark : *input.time;
  if (input.order.held() == 0) return make_ready(index, input_time{channel.input, mark});
  input.behind.emplace_back(input.order.last(), mark);
}

void inbox::release_times(std::size_t index) {
  auto& input = inputs_[index];
  for (; !input.behind.empty() && input.order.is_behind(input.behind.front().first); input.behind.pop_front())
    make_ready(index, input_time{static_cast<int>(index), input.behind.front().second});
}

std::optional<std::int64_t> inbox::reach(const input_time& what) {
  auto& of = inputs_[static_cast<std::size_t>(what.input)];
  of.reached_idle = what.time == idle_mark;
  if (!of.reached_idle) of.reached = what.time;
  std::optional<std::int64_t> lowest;
  bool all_idle = true;
  for (const auto& input : inputs_) {
    if (!input.timed || input.reached_idle) continue;
    all_idle = false;
    if (!input.reached) return {};
    lowest = std::min(lowest.value_or(*input.reached), *input.reached);
  }
  const bool were_idle = std::exchange(all_idle_, all_idle);
  if (all_idle) return were_idle ? std::nullopt : std::optional(idle_mark);
  if (reached_ && *reached_ >= *lowest) return were_idle ? reached_ : std::nullopt;
  reached_ = lowest;
  return reached_;
}

status inbox::end_channel(std::size_t index, std::uint64_t rows) {
  auto& channel = channels_[index];
  channel.ended = true;
  if (channel.rows != rows) {
    auto problem = internal_error("rows_lost", channel_name(*plan_, channel.name) + ": " + std::to_string(rows) +
                                                   " rows sent, but " + std::to_string(channel.rows) + " received");
    problem.where = channel_name(*plan_, channel.name);
    return problem;
  }
  auto& input = inputs_[static_cast<std::size_t>(channel.input)];
  if (--input.open > 0) return {};
  if (input.order.held() > 0 && !given_up_)
    return internal_error("rows_lost", channel_name(*plan_, channel.name) + ": " + std::to_string(input.order.held()) +
                                           " batches wait for a batch that never arrived");
  --open_;
  if (!given_up_) make_ready(static_cast<std::size_t>(channel.input), input_ended{channel.input});
  return {};
}

/// A gap that no channel can fill any more would hold the barrier up for ever.
status inbox::check_gaps() const {
  for (std::size_t input = 0; input < inputs_.size(); ++input) {
    if (!inputs_[input].gap_upto) continue;
    const bool may_come = std::any_of(channels_.begin(), channels_.end(), [&](const auto& channel) {
      return channel.input == static_cast<int>(input) && !channel.ended && channel.blocked.empty();
    });
    if (!may_come)
      return internal_error("rows_lost", "input " + std::to_string(input) +
                                             ": rows that belong before a barrier were not sent before it");
  }
  return {};
}

status inbox::pass_barrier(std::vector<due_credit>& now) {
  while (aligned_) {
    for (auto& input : inputs_) {
      if (input.gap_upto && (given_up_ || input.order.is_behind(*input.gap_upto))) input.gap_upto.reset();
    }
    const bool gaps = std::any_of(inputs_.begin(), inputs_.end(), [](const auto& input) { return input.gap_upto; });
    if (!gaps) {
      if (!given_up_) ready_.push_back(barrier_here(*aligned_));
      aligned_.reset();
    }
    // What came meanwhile, in the order of its channel.
    bool taken = false;
    for (std::size_t index = 0; index < channels_.size(); ++index) {
      auto& blocked = channels_[index].blocked;
      while (!blocked.empty() && !must_wait(index, blocked.front())) {
        auto body = std::move(blocked.front());
        blocked.pop_front();
        taken = true;
        SLUICE_TRY(accept(index, std::move(body), now));
      }
    }
    if (gaps && !taken) return check_gaps();
  }
  return {};
}

inbox::aligned_barrier inbox::barrier_here(std::uint64_t epoch) const {
  aligned_barrier here{.epoch = epoch};
  for (const auto& channel : channels_)
    here.received.push_back({.channel = channel.name, .rows = channel.rows, .dropped = 0});
  opaque_writer places(inbox_places);
  for (const auto& input : inputs_) {
    const auto next = input.order.next();
    places.number(next.split).number(static_cast<std::int64_t>(next.sequence)).number(next.chunk);
  }
  here.places = places.take();
  return here;
}

status inbox::go_on(const std::string& places, const std::vector<channel_counters>& received) {
  opaque_reader from(places, inbox_places);
  for (auto& input : inputs_) {
    order_key next;
    next.split = static_cast<std::uint32_t>(from.number());
    next.sequence = static_cast<decltype(next.sequence)>(from.number());
    next.chunk = static_cast<std::uint32_t>(from.number());
    input.order.go_on(next);
  }
  SLUICE_TRY(from.done("where the inputs of a unit stood"));
  count_on(received);
  return {};
}

void inbox::count_on(const std::vector<channel_counters>& received) {
  for (auto& channel : channels_)
    for (const auto& one : received)
      if (one.channel == channel.name) channel.rows = one.rows;
}

bool inbox::exhausted() const {
  return ready_.empty() && open_ == 0 &&
         std::all_of(inputs_.begin(), inputs_.end(), [](const auto& input) { return input.waiting.empty(); });
}

void inbox::make_ready(std::size_t input, queued what) {
  (inputs_[input].held_back ? inputs_[input].waiting : ready_).push_back(std::move(what));
}

void inbox::let_in(int input) {
  auto& state = inputs_[static_cast<std::size_t>(input)];
  state.held_back = false;
  for (auto& one : state.waiting) ready_.push_back(std::move(one));
  state.waiting.clear();
}

std::optional<inbox::item> inbox::next() {
  while (!ready_.empty()) {
    auto first = std::move(ready_.front());
    ready_.pop_front();
    if (const auto* time = std::get_if<input_time>(&first)) {
      if (const auto risen = reach(*time)) return time_risen{*risen};
      continue;
    }
    return std::visit(
        [](auto& one) -> std::optional<item> {
          if constexpr (std::is_same_v<std::decay_t<decltype(one)>, input_time>) {
            return std::nullopt;
          } else {
            return item(std::move(one));
          }
        },
        first);
  }
  return std::nullopt;
}

status inbox::give_up(std::vector<due_credit>& now) {
  given_up_ = true;
  for (std::size_t input = 0; input < inputs_.size(); ++input) let_in(static_cast<int>(input));
  for (auto& input : inputs_) input.behind.clear();
  for (auto& waiting : ready_) {
    if (auto* rows = std::get_if<arrived_batch>(&waiting)) {
      dropped_ += static_cast<std::uint64_t>(rows->rows.rows());
      if (rows->owed) now.push_back(*rows->owed);
    }
  }
  ready_.clear();
  for (auto& input : inputs_) {
    dropped_ += input.order.held() == 0 ? 0 : input.order.clear([](const arrived_batch& held) {
      return static_cast<std::uint64_t>(held.rows.rows());
    });
  }
  return pass_barrier(now);
}

void inbox::fill(instance_report& report) const {
  report.received.clear();
  for (const auto& channel : channels_)
    report.received.push_back({.channel = channel.name, .rows = channel.rows, .dropped = 0});
}

}  // namespace sluice::flow
