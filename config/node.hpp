#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::config {

/// A node of a YAML file with its place in the text. Maps keep the file's order and, until `fill`, duplicate keys.
struct node {
  enum class kind { null, scalar, sequence, map };

  struct entry;

  /// A stretch of `text` that was filled in for a placeholder; all offsets in bytes.
  struct substitution {
    std::size_t text_begin = 0, text_length = 0;
    std::size_t masked_begin = 0, masked_length = 0;
  };

  kind what = kind::null;
  std::size_t begin = 0;  ///< byte offset in the file
  bool quoted = false;    ///< scalars: in quotes or a block (| or >), so never a number, boolean or null
  bool flow = false;      ///< maps and sequences: written with { } or [ ]
  bool broken = false;    ///< a fault was reported inside: the reader passes it over
  std::string text;       ///< scalars: the value, `${...}` filled in
  std::string masked;     ///< scalars with substitutions: the value with placeholders, as YAML saw it
  std::vector<std::size_t> placeholders;    ///< scalars: indices in the document's list
  std::vector<substitution> substitutions;  ///< scalars: one for each placeholder, in order
  std::vector<node> items;                  ///< sequences
  std::vector<entry> entries;               ///< maps

  [[nodiscard]] bool is_null() const { return what == kind::null; }
  [[nodiscard]] bool is_scalar() const { return what == kind::scalar; }
  [[nodiscard]] bool is_sequence() const { return what == kind::sequence; }
  [[nodiscard]] bool is_map() const { return what == kind::map; }
  /// The value of a key of a map, or null.
  [[nodiscard]] const node* find(const std::string& key) const;
};

/// Stands behind the class, where a node is complete: clang does not take a pair of nodes inside it.
struct node::entry {
  node key;
  node value;
};

inline const node* node::find(const std::string& key) const {
  for (const auto& [name, value] : entries)
    if (name.text == key) return &value;
  return nullptr;
}

/// "text", "a list", "a map" or "nothing", for messages.
std::string describe(const node& value);

}  // namespace sluice::config
