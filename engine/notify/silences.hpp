#pragma once

#include "engine/notify/condition.hpp"
#include "engine/schedule/cron.hpp"
#include "engine/store/deliveries.hpp"
#include "engine/store/store.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::notify {

/// `silences:` of a pipeline, and those that were given by hand: of what nobody is told for a time.
class silence_list {
 public:
  /// `spec`: what the pipeline's file has, as it is kept with a subscription. Errors: of conditions and schedules that
  /// a newer version wrote.
  static result<silence_list> make(const options& spec, const param_types& params);

  /// The silences by hand that are not over.
  void by_hand(const std::vector<store::silence>& all);
  /// Name of the first silence that an event falls under at `now`; empty: none.
  [[nodiscard]] result<std::string> silenced_by(const store::event& what, const options& params, std::int64_t now);
  [[nodiscard]] bool uses_params() const;

 private:
  struct planned {
    std::string name;
    std::shared_ptr<const condition> when;
    schedule::cron begins;
    zone_clock zone;
    std::int64_t length = 0;
  };
  struct given {
    store::silence what;
    std::shared_ptr<const condition> when;
  };

  std::vector<planned> planned_;
  std::map<std::string, given> given_;  ///< by id
};

/// The silences that the files of pipelines have: name, pipeline, when, cron, timezone, for (microseconds).
std::vector<options> planned_silences(const std::vector<store::subscription>& of);

}  // namespace sluice::notify
