#pragma once

#include "actors/io_pool.hpp"

#include <caf/actor_addr.hpp>
#include <caf/actor_cast.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <functional>
#include <memory>
#include <utility>

namespace sluice::actors {

/// io thread -> the actor that asked (local): what is to happen in the actor with a call's result.
struct continuation {
  std::function<void()> run;
};

/// The blocking calls of one actor: they run on a strand, their results come back as messages. The actor's behaviour
/// has `resume_calls()` among its handlers. A call that is stuck keeps neither the actor nor its system alive.
class blocking_calls {
 public:
  blocking_calls(caf::event_based_actor* self, std::shared_ptr<io_pool> pool) : self_(self), strand_(std::move(pool)) {}

  /// Runs `work` on the strand, then `then` with its result in the actor; not at all if the actor has gone.
  template <class Work, class Then>
  void call(Work work, Then then) {
    strand_.post([to = self_->address(), work = std::move(work), then = std::move(then)]() mutable {
      using value = decltype(work());
      auto result = std::make_shared<value>(work());
      if (const auto alive = caf::actor_cast<caf::actor>(to))
        caf::anon_send(alive, continuation{[result, then = std::move(then)]() mutable { then(std::move(*result)); }});
    });
  }
  /// Runs `work` whatever becomes of the actor.
  void post(std::function<void()> work) { strand_.post(std::move(work)); }
  void forget() { strand_.forget(); }
  [[nodiscard]] std::size_t pending() const { return strand_.pending(); }

 private:
  caf::event_based_actor* self_;
  strand strand_;
};

/// The handler that lets results in.
inline auto resume_calls() {
  return [](continuation& next) { next.run(); };
}

}  // namespace sluice::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::continuation)
