#pragma once

#include "engine/component/options.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::when_down {

/// Sinks that can wait for a system that is down (`when_down: block`).
inline constexpr std::array<std::string_view, 3> waiting_sinks = {"kafka", "postgres", "rabbitmq"};
/// Those whose rows can wait on disk meanwhile: their system knows what was loaded, whoever asks.
inline constexpr std::array<std::string_view, 1> spilling_sinks = {"postgres"};

/// What config has put into the options of a load unit: how many bytes may wait on disk; nothing where none may.
std::optional<std::int64_t> spill_of(const options& own);
/// The options with `when_down: { spill }` for this many bytes.
void set_spill(options& own, std::int64_t bytes);

}  // namespace sluice::when_down
