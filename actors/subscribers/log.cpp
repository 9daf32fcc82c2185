#include "actors/subscribers/log.hpp"

#include "engine/secrets/mask.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>

namespace sluice::actors {

namespace {

std::string time_text(std::int64_t microseconds) {
  const auto seconds = static_cast<std::time_t>(microseconds / 1'000'000);
  std::tm utc = {};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text = {};
  const auto used = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  auto all = std::string(text.data(), used);
  const auto milliseconds = std::to_string(microseconds / 1000 % 1000);
  return all + "." + std::string(3 - milliseconds.size(), '0') + milliseconds + "Z";
}

}  // namespace

std::string log_line(const store::event& what) {
  auto line = time_text(what.time) + " " + what.type + " run=" + what.run;
  if (!what.pipeline.empty()) line += " pipeline=" + what.pipeline;
  if (!what.unit.empty()) line += " unit=" + what.unit;
  for (const auto* name : {"in", "out", "filtered", "rejected", "rows", "target", "path"}) {
    if (!what.data.is_object() || !what.data.contains(name)) continue;
    const auto& value = what.data[name];
    line += std::string(" ") + name + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
  }
  if (what.data.is_object() && what.data.contains("cause")) {
    const auto& cause = what.data["cause"];
    line += " cause=" + cause.value("code", "") + " \"" + cause.value("message", "") + "\"";
  }
  return line + "\n";
}

deliver_function log_subscriber(int file_descriptor) {
  return [file_descriptor](const store::event& what) -> status {
    const auto line = secrets::mask(log_line(what));
    for (std::size_t at = 0; at < line.size();) {
      const auto wrote = ::write(file_descriptor, line.data() + at, line.size() - at);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return from_errno(errno, "write the log");
      at += static_cast<std::size_t>(wrote);
    }
    return {};
  };
}

}  // namespace sluice::actors
