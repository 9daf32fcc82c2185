#include "engine/component/stand_in.hpp"

#include <arrow/type.h>

namespace sluice {

namespace {

class stand_in final : public transform {
 public:
  explicit stand_in(std::vector<output_port> outputs) : outputs_(std::move(outputs)) {}
  [[nodiscard]] const std::vector<output_port>& outputs() const override { return outputs_; }
  status process(int, batch, emitter&) override {
    return internal_error("internal_error", "a unit with faults was run");
  }

 private:
  std::vector<output_port> outputs_;
};

}  // namespace

std::unique_ptr<transform> make_stand_in(std::vector<output_port> outputs) {
  return std::make_unique<stand_in>(std::move(outputs));
}

bool has_unknown_columns(const transform_request& request) {
  for (const auto& input : request.inputs)
    for (const auto& field : input.schema->fields())
      if (is_unknown(*field->type())) return true;
  return false;
}

std::unique_ptr<transform> make_stand_in(std::shared_ptr<arrow::Schema> output) {
  return make_stand_in({{.name = "", .schema = std::move(output)}});
}

}  // namespace sluice
