#include "cluster/resumed_part.hpp"

namespace sluice::cluster {

std::string resume_to_text(const actors::resume_point& point) {
  return options{{"epoch", point.epoch}, {"folder", point.folder}, {"snapshot", flow::to_json(point.snapshot)}}.dump();
}

result<std::shared_ptr<const actors::resume_point>> resume_from_text(const std::string& text) {
  auto made = std::make_shared<actors::resume_point>();
  try {
    const auto json = options::parse(text);
    made->epoch = json.at("epoch").get<std::uint64_t>();
    made->folder = json.at("folder").text();
    SLUICE_ASSIGN(made->snapshot, flow::snapshot_from(json.at("snapshot")));
  } catch (const options::exception& problem) {
    return external_error("foreign_state",
                          std::string("the checkpoint of another node can't be read: ") + problem.what());
  }
  return std::shared_ptr<const actors::resume_point>(std::move(made));
}

}  // namespace sluice::cluster
