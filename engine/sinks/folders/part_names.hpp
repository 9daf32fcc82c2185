#pragma once

#include "engine/component/sink.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::folders {

/// Names the files that a run writes into a folder: part-CHAIN-RUN-ATTEMPT-NUMBER[-ROLL].EXTENSION. CHAIN is the run's
/// now, which runs that continue after each other share; RUN are the first 16 digits of its id, which ascend in time.
class part_names {
 public:
  part_names(const sink_request& request, const std::string& component);

  void begin_attempt(std::uint32_t attempt) { attempt_ = attempt; }
  /// The name of the `roll`th file of an epoch in one folder, from 0.
  [[nodiscard]] std::string name(std::uint64_t epoch_number, std::uint64_t roll) const;
  [[nodiscard]] const std::string& extension() const { return extension_; }
  [[nodiscard]] const std::string& chain() const { return chain_; }
  /// True for a file of the format that a reader of the folder would find and that runs of the chain have not written.
  [[nodiscard]] bool is_of_others(const std::string& name, const std::string& chain) const;

 private:
  std::string format_;  ///< ".csv"
  std::string extension_;
  std::string chain_;
  std::string run_;
  std::uint32_t attempt_ = 0;
};

/// The path of the folder as the user wrote it, with or without a slash at its end.
std::string folder_path(const options& own);

}  // namespace sluice::folders
