#include "engine/files/follow/description.hpp"

namespace sluice {

field_spec follow_field() {
  return {.name = "follow",
          .form = shape::boolean,
          .help =
              "Continue without end: read files that appear, and lines that are added to files, also after they were "
              "renamed (rotated).",
          .default_value = false};
}

std::string follow_description() {
  return "With `follow: true` the source has no end: it reads files that appear under its path, and what is added to "
         "files, until the run is drained. How far each file was read is part of every checkpoint. A file is known by "
         "its inode, time of birth and content, so it can be renamed: it is read to its end, and a new file with the "
         "old name is read from its start. A file that was deleted is read to its end too, while the run works. A "
         "record is read when its line break is there; the last one of a deleted file also without it. A file that "
         "was truncated or written again fails the run (`source_changed`), and so does one that has vanished while the "
         "run was stopped (`followed_file_gone`), unless it had been read to its end and was not written for a minute "
         "before. If several rotations can happen while the run is stopped, the path must also match the rotated "
         "names: `path: \"app.log*\"`. Files must be plain UTF-8 (`cannot_follow`). If no file is there at the "
         "first start, `types:` must give all columns. Each file is kept open until it is deleted.";
}

}  // namespace sluice
