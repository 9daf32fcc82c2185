#pragma once

#include "engine/plan/plan.hpp"
#include "engine/store/store.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sluice::actors {

/// Collects how far the sources of a run have read, for what the Store is to remember of them.
class source_memory {
 public:
  explicit source_memory(const plan& of) : plan_(&of) {}

  /// Takes the answer of `reached` of one instance of a source with a watermark.
  void reached(std::uint32_t unit, const std::string& text);
  /// Gives events on rows at or below the watermark that the last run did not see: they came late, and are not loaded.
  [[nodiscard]] std::vector<store::event> late_rows(const std::string& run) const;
  /// Gives what the next run is not to take again.
  [[nodiscard]] std::vector<store::source_change> taken() const;

 private:
  const plan* plan_;
  std::map<std::uint32_t, options> reached_;  ///< by sources with a watermark
};

}  // namespace sluice::actors
