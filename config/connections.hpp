#pragma once

#include "config/reading.hpp"
#include "engine/component/spec.hpp"

#include <map>
#include <optional>
#include <string>

namespace sluice::config {

/// What a connection may be of, by the component's name: the options of a source or sink that say how to connect.
using connection_specs = std::map<std::string, field_spec>;
/// Those of all components that have such options.
const connection_specs& connection_kinds();

/// The connections that units may name, from the pipeline and from the files of `--config`.
class connections {
 public:
  explicit connections(const connection_specs& kinds = connection_kinds()) : kinds_(kinds) {}

  /// Reads a section `connections:` and reports its faults. A name that was read before keeps what it has.
  void read(const reading& in, const node& section);

  /// Reads the options of a component as `read_options` does; where they name a connection, its options are added.
  /// The options that the component shares with connections are among its own in either case.
  std::optional<options> read_component(const reading& in, const node& value, const field_spec& spec,
                                        const std::string& component) const;

 private:
  struct entry {
    std::string component;
    std::optional<options> own;  ///< nothing: it has faults, which are reported already
  };

  [[nodiscard]] std::optional<entry> read_entry(const reading& in, const node& name, const node& value) const;
  [[nodiscard]] const entry* find(const reading& in, const node& name, const std::string& component) const;

  const connection_specs& kinds_;
  std::map<std::string, entry> known_;
};

}  // namespace sluice::config
