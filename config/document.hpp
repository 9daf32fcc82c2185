#pragma once

#include "config/node.hpp"
#include "config/substitution.hpp"
#include "engine/error/error.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

/// A YAML file with the place of everything in it, and the files that were added to it (see fragments.hpp).
class document {
 public:
  /// Parses `text`; `file` is its name in messages. Where it is no YAML map there are faults, and no root.
  /// Never null: also a file that is no YAML has lines to show.
  static std::shared_ptr<document> parse(std::string text, std::string file, diagnostics& faults);

  /// Adds the text of another file below a line `separator`, and parses it: nothing where it is no YAML map. Its nodes
  /// have their places in that file.
  std::optional<node> add(std::string text, std::string file, const std::string& separator, diagnostics& faults);
  void set_root(node root) { root_ = std::move(root); }

  /// That of all files, separators included.
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::string& file() const { return parts_.front().file; }
  /// The names of the files that were added.
  [[nodiscard]] std::vector<std::string> added() const;
  [[nodiscard]] const node& root() const { return root_; }

  /// Fills in the `${...}` of a top-level section, or of all others where `section` is empty; then reports duplicate
  /// keys and unquoted expressions in it. Each node is filled in once.
  void fill(const std::string& section, const lookup& values, diagnostics& faults);

  /// The file, line and column (in characters) of a byte offset in the text.
  [[nodiscard]] location locate_byte(std::size_t offset) const;
  /// The place of a byte of a node's value (in a scalar's text, as filled in).
  [[nodiscard]] location locate_in(const node& value, std::size_t offset) const;
  /// The place that a JSON pointer names: a scalar itself, the key of a map or list. What is not in the file is looked
  /// for at its nearest parent that is.
  [[nodiscard]] location locate(const std::string& pointer, std::optional<std::size_t> offset = {}) const;
  /// The text of a line of a file, from 1, without its end; empty where there is none.
  [[nodiscard]] std::string_view line(const std::string& file, int number) const;
  /// The place of `first` for a fault at `other`: "line 5", with the file where it is another one.
  [[nodiscard]] std::string beside(std::size_t first, std::size_t other) const;

  /// Makes a fault that points at a node.
  [[nodiscard]] error fault(const node& at, std::string code, std::string message, std::string hint = {}) const;

 private:
  struct part {
    std::string file;
    std::size_t begin = 0;       ///< byte offset in the text
    std::size_t first_line = 0;  ///< index in `lines_`
  };

  document() = default;
  std::optional<node> read_part(const part& of, diagnostics& faults);
  void fill_node(node& value, const lookup& values, diagnostics& faults);
  void check_entries(node& map, diagnostics& faults);
  void check_quotes(node& flow, diagnostics& faults) const;
  [[nodiscard]] std::string whole_expression(std::size_t begin) const;
  void fault_at_byte(std::size_t offset, error problem, diagnostics& faults) const;

  std::vector<part> parts_;
  std::string text_;
  std::vector<std::size_t> lines_;  ///< byte offset of each line's begin in the text
  std::vector<placeholder> placeholders_;
  node root_;
};

/// Splits a JSON pointer into its keys, unescaped.
std::vector<std::string> pointer_keys(std::string_view pointer);

}  // namespace sluice::config
