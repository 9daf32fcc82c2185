#pragma once

#include "engine/component/spec.hpp"
#include "engine/lineage/run_event.hpp"
#include "engine/notify/subscriber.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::notify {

/// A notice as bytes, for channels that carry any.
struct formed_message {
  std::string body;
  std::string content_type;
  /// Attributes of a CloudEvent in binary mode, which travel beside the body: name and value.
  std::vector<std::pair<std::string, std::string>> attributes = {};
};

/// `format` (cloudevents or openlineage), `mode` and `namespace` of a channel. Thread-safe.
class message_form {
 public:
  explicit message_form(const options& own);

  /// Nothing where the notice has no place in the format: OpenLineage knows runs only, and no groups of events.
  result<std::optional<formed_message>> form(const notice& what) const;
  [[nodiscard]] bool is_lineage() const { return lineage_ != nullptr; }

 private:
  std::shared_ptr<lineage::event_maker> lineage_;
  bool binary_ = false;
};

/// A channel's own fields, and behind them those that it reads. `binary`: the channel can carry attributes beside the
/// body.
std::vector<field_spec> with_form(std::vector<field_spec> own, bool binary);
/// What became of a notice that has no place in the format.
delivery_attempt not_told();

/// Value of a CloudEvents attribute as HTTP headers carry it (section 3.1.3.2 of its HTTP binding).
std::string header_text(const std::string& value);

}  // namespace sluice::notify
