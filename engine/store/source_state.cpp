#include "engine/store/source_state.hpp"

namespace sluice::store {

options to_json(const std::string& pipeline, const pipeline_state& state, bool with_files) {
  auto units = options::array();
  for (const auto& unit : state.units) {
    std::int64_t bytes = 0;
    auto files = options::array();
    for (const auto& file : unit.files) {
      bytes += file.size;
      if (with_files)
        files.push_back({{"path", file.path},
                         {"size", file.size},
                         {"modified", file.modified},
                         {"run", file.run},
                         {"time", file.time}});
    }
    options one = {{"unit", unit.unit}, {"position", unit.position},       {"columns", unit.schema}, {"run", unit.run},
                   {"time", unit.time}, {"file_count", unit.files.size()}, {"file_bytes", bytes}};
    if (with_files) one["files"] = std::move(files);
    units.push_back(std::move(one));
  }
  return {{"pipeline", pipeline}, {"version", state.version}, {"units", std::move(units)}};
}

}  // namespace sluice::store
