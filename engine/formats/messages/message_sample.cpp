#include "engine/formats/messages/message_sample.hpp"

#include "engine/error/names.hpp"
#include "engine/formats/ndjson/cursor.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace sluice::messages {

void message_sample::look(std::string_view message) {
  line_.assign(message);
  // A line break within a message is white space between its tokens.
  std::replace(line_.begin(), line_.end(), '\n', '\r');
  line_ += '\n';
  line_.append(static_cast<std::size_t>(ndjson::padding), ' ');
  all_.look(line_.data());
}

result<std::shared_ptr<arrow::Schema>> message_sample::schema(const std::string& name) const {
  if (all_.records() > 0) return all_.schema();
  if (all_.broken() == 0)
    return user_error("empty_source", "there is no message in " + name + " to infer the columns from",
                      "give the columns: types: { id: bigint }");
  return user_error("invalid_json",
                    "none of the first " + std::to_string(all_.broken()) + " messages of " + name +
                        " is a JSON object; the first one is: " + shortened(all_.first_broken(), 60),
                    "set format: csv, text or bytes");
}

}  // namespace sluice::messages
