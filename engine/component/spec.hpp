#pragma once

#include "engine/component/options.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// The form of an option's value; config checks it, and the editors' JSON Schema is generated from it.
enum class shape {
  boolean,
  integer,
  number,
  text,
  expression,  ///< text that is an SQL expression
  column,      ///< text that is a column's name
  type,        ///< text that is an SQL type
  duration,    ///< "10s", "1h30m"
  size,        ///< "512MiB"
  list,        ///< of `elements`
  map,         ///< any keys, values of `elements`, in file order
  object,      ///< exactly `fields`
  one_of,      ///< any of `alternatives`
};

/// Describes one option: for validation, `sluice components`, the docs and the editors' schema.
struct field_spec {
  std::string name = {};  ///< empty for elements of lists and maps, and for alternatives
  shape form = shape::text;
  std::string help = {};
  bool required = false;
  options default_value = {};             ///< null: no default
  std::vector<std::string> choices = {};  ///< for text: the only values allowed
  std::vector<field_spec> elements =
      {};  ///< list, map: one entry, the spec of each element; object: its fields; one_of: the alternatives
};

enum class component_kind { source, transform, sink, subscriber };

/// What a sink promises when a load is repeated.
enum class delivery { none, transactional, idempotent, at_least_once };

/// Where a unit may run that `place:` does not pin to a node.
enum class locality {
  where_submitted,  ///< it touches files, standard input or output, or something else of the submitting node
  anywhere,         ///< it touches nothing of the node
};

/// Describes a component to users. One per component, beside its class.
struct component_spec {
  std::string name;
  component_kind kind = component_kind::transform;
  std::string summary = {};           ///< one line
  std::string description = {};       ///< paragraphs in Markdown for the docs page
  field_spec value = {};              ///< what stands behind the component's name
  std::string law = {};               ///< its conservation law in words: "in = out + filtered + rejected"
  std::string example = {};           ///< a pipeline in YAML that runs from the checkout's root
  delivery promise = delivery::none;  ///< sinks
  std::vector<std::string> modes =
      {};                  ///< sinks: the values of `mode`, the first is the default ("" first: no default)
  bool bounded = true;     ///< sources: false where there are options with which it has no end
  bool replayable = true;  ///< sources: what has been read can be read again, unless the description says otherwise
  locality runs = locality::where_submitted;  ///< sources and sinks; transforms run anywhere
};

}  // namespace sluice
