#pragma once

#include "engine/notify/subscriber.hpp"

#include <string>
#include <utility>
#include <vector>

namespace sluice::notify {

// A notice in words, for channels that people read.

/// One line: "daily-revenue failed: file_not_found: there is no file orders.csv".
std::string title_of(const notice& what);
/// What a person on call needs, in order: what, where, since when, the first cause, what to do. Label and value.
std::vector<std::pair<std::string, std::string>> facts_of(const notice& what);
/// The facts as lines of text.
std::string text_of(const notice& what);
/// info, warning or error: of its events the worst; info for a resolved one.
std::string severity_of(const notice& what);
/// The notice as a CloudEvents 1.0 object: the event itself, or one of type notification.KIND that holds its events.
options to_json(const notice& what);
/// "2024-05-01 05:15:09 UTC"
std::string time_text(std::int64_t microseconds);

}  // namespace sluice::notify
