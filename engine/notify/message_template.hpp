#pragma once

#include "engine/component/options.hpp"
#include "engine/error/error.hpp"

#include <string>
#include <string_view>

namespace sluice::notify {

/// Fills a template: a JSON document whose texts hold {{ path }}. A path names a value of `values` by dots
/// (event.data.cause.message); a text that is nothing but one takes the value as it is, others take it as text. What is
/// not there is empty, or null. `{{ path | slack }}` escapes &, < and > as Slack wants it. `{{ path | 900 }}` cuts text
/// to that many bytes.
options fill_template(const options& form, const options& values);

/// The forms that are shipped: slack, teams, pagerduty. Null where there is no such form.
const options& shipped_template(std::string_view name);

}  // namespace sluice::notify
