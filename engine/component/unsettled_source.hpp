#pragma once

#include <string>

namespace sluice {

/// A source whose server keeps what was read until it is acknowledged, behind a checkpoint, says so by this interface
/// beside `source`. Thread-safe.
class unsettled_source {
 public:
  virtual ~unsettled_source() = default;
  /// True once where a checkpoint should be taken now, because the server will soon give nothing more, or wants an
  /// answer. Asked after each step; `source::committed` makes it ask again.
  virtual bool wants_checkpoint() = 0;
  /// What goes into a checkpoint in place of the position of a step: the positions of steps are short, and this one
  /// holds what a later process needs to recognise messages that come once more.
  virtual std::string whole_position(const std::string& of_step) = 0;
};

}  // namespace sluice
