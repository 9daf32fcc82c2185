#pragma once

#include "engine/component/component.hpp"
#include "engine/component/interrupt_switch.hpp"
#include "engine/files/file_among_many.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

namespace sluice::folders {

/// A file that is being written.
struct open_file {
  std::unique_ptr<sink> file;
  std::string path;
  std::int64_t rows = 0;
  file_among_many* among_many = nullptr;  ///< the same file, where it waits with little
  std::int64_t held = 0;                  ///< bytes, when it was settled last
};

/// The files of a folder that are open, by partition. Those that wait for more rows hold no more than `most` bytes
/// together: the one that holds most writes them.
class open_files {
 public:
  explicit open_files(interrupt_switch<sink>& stop) : stop_(stop) {}

  void limit(std::int64_t most) { most_ = most; }
  [[nodiscard]] bool empty() const { return files_.empty(); }
  [[nodiscard]] std::uint32_t any() const { return files_.begin()->first; }
  /// Null where none is open.
  [[nodiscard]] open_file* find(std::uint32_t partition);
  void add(std::uint32_t partition, open_file one) { files_.emplace(partition, std::move(one)); }
  void remove(std::uint32_t partition);
  /// The next rows of the partition may be long in coming.
  status settle(std::uint32_t partition);
  /// Aborts and forgets all; gives their paths.
  std::vector<std::string> abort() noexcept;

 private:
  void note_held(open_file& one);

  interrupt_switch<sink>& stop_;
  std::int64_t most_ = 0, held_ = 0;
  std::unordered_map<std::uint32_t, open_file> files_;
};

}  // namespace sluice::folders
