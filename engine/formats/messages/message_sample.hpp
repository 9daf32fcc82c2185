#pragma once

#include "engine/error/error.hpp"
#include "engine/formats/ndjson/inference.hpp"

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <string_view>

namespace sluice::messages {

/// Infers the columns of messages that are JSON objects, by the rules of NDJSON files.
class message_sample {
 public:
  void look(std::string_view message);
  /// The columns, or why there are none; `name` is the topic or queue in the message.
  [[nodiscard]] result<std::shared_ptr<arrow::Schema>> schema(const std::string& name) const;

 private:
  ndjson::sample all_;
  std::string line_;
};

}  // namespace sluice::messages
