#include "actors/run/list_progress.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <memory>
#include <utility>

namespace sluice::actors {

caf::typed_response_promise<live_runs> list_progress(caf::event_based_actor& self, std::vector<run_progress> known,
                                                     const std::map<std::string, caf::actor>& asked) {
  struct gathering {
    live_runs answer;
    std::size_t missing = 0;
  };
  auto promise = self.make_response_promise<live_runs>();
  auto all = std::make_shared<gathering>();
  all->answer.runs = std::move(known);
  all->missing = asked.size();
  auto one_less = [promise, all]() mutable {
    if (--all->missing == 0) promise.deliver(all->answer);
  };
  if (asked.empty()) promise.deliver(all->answer);
  for (const auto& [id, supervisor] : asked) {
    self.request(supervisor, std::chrono::seconds(1), get_progress{id})
        .then(
            [all, one_less](run_progress& made) mutable {
              all->answer.runs.push_back(std::move(made));
              one_less();
            },
            [one_less](const caf::error&) mutable { one_less(); });
  }
  return promise;
}

}  // namespace sluice::actors
