#pragma once

#include "actors/messages.hpp"
#include "engine/plan/plan.hpp"
#include "engine/store/store.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::actors {

/// Looks at a run once a second and says what people want to hear before it ends: rejects that come near the limit, or
/// have passed it; a unit that has been held back for long; a checkpoint that takes long. Each trouble is told once,
/// until it is over. Plain: time is an argument, in microseconds since the run began.
class run_watch {
 public:
  explicit run_watch(const plan& of) : plan_(of) {}

  struct now {
    std::int64_t age = 0;
    std::uint64_t rejected = 0;
    std::uint64_t read = 0;
    std::optional<std::uint64_t> checkpoint = {};  ///< epoch of the one that is under way
  };
  /// True once a second: only then is the progress of the units wanted.
  [[nodiscard]] bool is_due(std::int64_t age) const { return age >= next_; }
  /// Events without `run`.
  std::vector<store::event> look(const now& at, const std::vector<unit_progress>& units);

  static constexpr std::int64_t held_back_for = 30'000'000;  ///< until it is told
  static constexpr std::int64_t held_back_ppm = 900'000;     ///< of the last seconds
  static constexpr std::int64_t slow_checkpoint = 30'000'000;

 private:
  void look_at_rejects(const now& at, std::vector<store::event>& told);
  void look_at_units(const now& at, const std::vector<unit_progress>& units, std::vector<store::event>& told);
  void look_at_checkpoint(const now& at, std::vector<store::event>& told);

  const plan& plan_;
  std::int64_t next_ = 1'000'000;
  bool near_ = false;
  bool reached_ = false;
  struct held {
    std::int64_t since = 0;
    bool told = false;
  };
  std::map<std::string, held> held_;  ///< by unit
  std::optional<std::uint64_t> epoch_;
  std::int64_t epoch_since_ = 0;
  bool epoch_told_ = false;
};

}  // namespace sluice::actors
