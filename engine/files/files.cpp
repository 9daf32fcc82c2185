#include "engine/files/files.hpp"

#include "engine/files/file_faults.hpp"
#include "engine/files/file_identity.hpp"
#include "engine/files/glob.hpp"
#include "engine/files/source_reach.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <unordered_set>

namespace sluice {

namespace fs = std::filesystem;

namespace {

struct named_compression {
  std::string_view name;
  compression kind;
  std::string_view extension;
};

constexpr named_compression named_compressions[] = {
    {"none", compression::none, ""},      {"gzip", compression::gzip, ".gz"},  {"zstd", compression::zstd, ".zst"},
    {"lz4", compression::lz4, ".lz4"},    {"bz2", compression::bz2, ".bz2"},   {"gzip", compression::gzip, ".gzip"},
    {"zstd", compression::zstd, ".zstd"}, {"bz2", compression::bz2, ".bzip2"},
};

bool same_ignoring_case(char a, char b) { return (a | 0x20) == (b | 0x20); }

bool ends_with(std::string_view text, std::string_view tail) {
  return text.size() > tail.size() &&
         std::equal(tail.begin(), tail.end(), text.end() - static_cast<std::ptrdiff_t>(tail.size()),
                    same_ignoring_case);
}

std::string_view without_compression(std::string_view name) {
  for (const auto& known : named_compressions) {
    if (!known.extension.empty() && ends_with(name, known.extension))
      return name.substr(0, name.size() - known.extension.size());
  }
  return name;
}

error not_found(const std::string& name, const std::string& path) {
  std::error_code no_link;
  if (const auto target = fs::read_symlink(path, no_link); !no_link)
    return user_error("file_not_found", name + " is a symbolic link to " + target.string() + ", which does not exist",
                      "remove the link, or restore the file that it points to");
  auto problem =
      user_error("file_not_found", "there is no file " + name,
                 name == path ? "check the path" : "relative paths are those of the command: looked for " + path);
  return problem;
}

/// Says how a plain text is really written: only UTF-8 can be cut into splits.
status look_at_mark(input_file& file) {
  SLUICE_ASSIGN(const auto open, random_file::open(file));
  char first[4];
  SLUICE_ASSIGN(const auto got, open->read_at(0, first, sizeof(first)));
  auto known = encoding_by_mark({first, static_cast<std::size_t>(got)}, file.encoding);
  if (known.ok()) {
    file.encoding = *known;
    return {};
  }
  auto problem = std::move(known).problem();
  problem.message += ": " + file.name;
  return problem;
}

/// Collects what one search finds.
class finder {
 public:
  explicit finder(const file_search& what) : what_(what) {}

  status add(const std::string& name, std::size_t index) {
    auto done = name == "-" ? take("-") : is_glob(name) && !exists(name) ? add_glob(name) : add_path(name);
    if (done.ok()) return done;
    auto problem = std::move(done).problem();
    problem.path = what_.path.is_array() ? "/path/" + std::to_string(index) : "/path";
    return problem;
  }

  std::vector<input_file> found;

 private:
  [[nodiscard]] bool exists(const std::string& name) const {
    std::error_code ignored;
    return fs::exists(absolute_path(name, what_.base_folder), ignored);
  }

  status take(const std::string& name) {
    SLUICE_ASSIGN(auto file, find_file(name, what_));
    if (seen_.insert(file.path).second) found.push_back(std::move(file));
    return {};
  }

  status add_path(const std::string& name) {
    const auto path = absolute_path(name, what_.base_folder);
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) return not_found(name, path);
      return from_errno(errno, "open " + name);
    }
    if (!S_ISDIR(info.st_mode)) return take(name);
    return add_folder(name, path);
  }

  status add_folder(const std::string& name, const std::string& path) {
    const auto pattern = (name.back() == '/' ? name : name + "/") + "**";
    SLUICE_ASSIGN(auto names, expand_glob(pattern, what_.base_folder));
    std::erase_if(names, [&](const auto& candidate) { return !counts_in_folder(candidate, what_.extensions); });
    if (names.empty()) {
      std::string wanted;
      for (const auto& extension : what_.extensions) wanted += (wanted.empty() ? "*." : ", *.") + extension;
      return user_error("file_not_found",
                        "the folder " + name + " contains no file" + (wanted.empty() ? "" : " named " + wanted),
                        "searched " + path + " and its subfolders; use a glob to read files with other names: " + name +
                            (name.back() == '/' ? "*" : "/*"));
    }
    for (const auto& each : names) SLUICE_TRY(take(each));
    return {};
  }

  status add_glob(const std::string& name) {
    SLUICE_ASSIGN(const auto names, expand_glob(name, what_.base_folder));
    if (names.empty()) {
      return user_error("file_not_found", "no file matches " + name,
                        "searched " + absolute_path(glob_root(name), what_.base_folder) +
                            "; * matches within one folder, ** also in subfolders");
    }
    for (const auto& each : names) SLUICE_TRY(take(each));
    return {};
  }

  const file_search& what_;
  std::unordered_set<std::string> seen_;
};

}  // namespace

bool counts_in_folder(std::string_view path, const std::vector<std::string>& extensions) {
  if (extensions.empty()) return true;
  const auto plain = without_compression(path);
  return std::any_of(extensions.begin(), extensions.end(),
                     [&](const auto& extension) { return ends_with(plain, "." + extension); });
}

std::string_view name_of(compression kind) {
  for (const auto& known : named_compressions)
    if (known.kind == kind) return known.name;
  return "auto";
}

result<compression> compression_of(std::string_view path, std::string_view option) {
  if (option.empty() || option == "auto") {
    for (const auto& known : named_compressions) {
      if (!known.extension.empty() && ends_with(path, known.extension)) return known.kind;
    }
    return compression::none;
  }
  for (const auto& known : named_compressions) {
    if (option == known.name) return known.kind;
  }
  auto problem = user_error("unknown_compression", "unknown compression " + std::string(option),
                            "use auto, none, gzip, zstd, lz4 or bz2");
  problem.path = "/compression";
  return problem;
}

chosen_files::chosen_files(std::vector<chosen_file> files) : files_(std::move(files)) {
  for (std::size_t at = 0; at < files_.size(); ++at) places_.emplace(files_[at].name, at);
}

const chosen_file* chosen_files::find(const std::string& name) const {
  const auto found = places_.find(name);
  return found == places_.end() ? nullptr : &files_[found->second];
}

namespace {

/// The file as it is now.
result<input_file> look_at_file(const std::string& name, const file_search& what) {
  const std::string_view option = what.compression;
  input_file file;
  file.name = name;
  if (!what.encoding.empty()) {
    SLUICE_ASSIGN(file.encoding, encoding_of(what.encoding));
  }
  if (name == "-") {
    file.path = name;
    SLUICE_ASSIGN(file.packed, compression_of("", option));
    if (option.empty() || option == "auto") file.packed = compression::by_content;
    return file;
  }
  file.path = absolute_path(name, what.base_folder);
  SLUICE_ASSIGN(file.packed, compression_of(name, option));
  struct stat info {};
  if (::stat(file.path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return not_found(name, file.path);
    return from_errno(errno, "open " + name);
  }
  if (S_ISDIR(info.st_mode))
    return user_error("is_a_folder", name + " is a folder, but a file is needed", "give the path of a file in it");
  // Planning looks at the begin of a file, and a pipe would have lost it to whoever reads it then.
  if (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode))
    return user_error("not_seekable", name + " is a pipe, which can be read only once",
                      "read it as standard input: path: \"-\", and sluice run ... < " + name);
  if (::access(file.path.c_str(), R_OK) != 0) return from_errno(errno, "read " + name);
  if (S_ISREG(info.st_mode)) file.size = info.st_size;
  if (file.encoding != text_encoding::as_it_is && file.packed == compression::none && file.size >= 0)
    SLUICE_TRY(look_at_mark(file));
  return file;
}

}  // namespace

result<input_file> find_file(const std::string& name, const file_search& what) {
  SLUICE_ASSIGN(auto file, look_at_file(name, what));
  const auto* chosen = what.chosen ? what.chosen->find(name) : nullptr;
  if (chosen == nullptr || chosen->size < 0) return file;
  if (file.size < chosen->size)
    return user_error(
        "source_changed",
        "the file " + name + " had " + std::to_string(chosen->size) + " bytes when the run was planned; " +
            (file.size < 0 ? std::string("now it does not exist") : "now it has " + std::to_string(file.size)),
        "run again");
  file.begin = chosen->begin;
  file.size = chosen->size;
  return file;
}

result<std::vector<input_file>> find_files(const file_search& what) {
  if (what.chosen) {
    std::vector<input_file> files;
    for (const auto& one : what.chosen->all()) {
      SLUICE_ASSIGN(auto file, find_file(one.name, what));
      files.push_back(std::move(file));
    }
    return files;
  }
  finder all(what);
  if (what.path.is_string()) {
    SLUICE_TRY(all.add(what.path.get<std::string>(), 0));
  } else if (what.path.is_array()) {
    for (std::size_t i = 0; i < what.path.size(); ++i) {
      if (!what.path[i].is_string())
        return user_error("invalid_path", "a list of paths may only contain texts, found " + what.path[i].dump(),
                          "path: [in/a.csv, in/b.csv]");
      SLUICE_TRY(all.add(what.path[i].get<std::string>(), i));
    }
  }
  if (all.found.empty()) {
    auto problem =
        user_error("missing_path", "a file source needs a path", "path: in/orders.csv, a glob, a folder or a list");
    problem.path = "/path";
    return problem;
  }
  return std::move(all.found);
}

result<std::shared_ptr<random_file>> random_file::open(const input_file& file) {
  const int handle = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC);
  if (handle < 0) return from_errno(errno, "open " + file.name);
  struct stat info {};
  const int failure = ::fstat(handle, &info) != 0 ? errno : 0;
  std::shared_ptr<random_file> opened(new random_file(file.name, handle, info.st_size));
  if (failure != 0) return from_errno(failure, "open " + file.name);
  if (info.st_size < file.size) return source_shrank(file.name, file.size, info.st_size);
  return opened;
}

random_file::~random_file() { ::close(handle_); }

result<std::int64_t> random_file::read_at(std::int64_t at, void* into, std::int64_t size) const {
  auto* to = static_cast<char*>(into);
  std::int64_t done = 0;
  while (done < size) {
    const auto got = ::pread(handle_, to + done, static_cast<std::size_t>(size - done), at + done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return from_errno(errno, "read " + name_);
    if (got == 0 && at + done < size_) return source_shrank(name_, size_, at + done);
    if (got == 0) break;
    done += got;
  }
  return done;
}

namespace {

field_spec compression_field() {
  return {.name = "compression",
          .form = shape::text,
          .help =
              "Compression of the files; auto: by the extension (.gz, .zst, .lz4, .bz2), for standard input by its "
              "first bytes.",
          .default_value = "auto",
          .choices = {"auto", "none", "gzip", "zstd", "lz4", "bz2"}};
}

}  // namespace

std::vector<field_spec> file_source_fields() {
  return {{.name = "path",
           .form = shape::one_of,
           .help = "A file, a glob (`*`, `?` and `[a-z]` match within a folder, `**` also matches subfolders), a "
                   "folder, a list of these, or `-` for standard input. Files are read in the order of the list; the "
                   "files of a glob or folder are sorted by path.",
           .required = true,
           .elements = {{.name = "", .form = shape::text, .help = "One path."},
                        {.name = "",
                         .form = shape::list,
                         .help = "Several.",
                         .elements = {{.name = "", .form = shape::text, .help = "A path."}}}}},
          compression_field()};
}

std::vector<field_spec> text_source_fields() {
  auto all = file_source_fields();
  all.push_back(
      {.name = "encoding",
       .form = shape::text,
       .help = "Encoding of the text: utf-8, utf-16 (little-endian unless a byte order mark says otherwise), utf-16le, "
               "utf-16be, latin-1 or windows-1252. A byte order mark takes precedence. Only UTF-8 is read in parallel.",
       .default_value = "utf-8"});
  return all;
}

std::vector<field_spec> file_sink_fields() {
  return {{.name = "path",
           .form = shape::text,
           .help = "The file to write, or `-` for standard output. Missing parent folders are created.",
           .required = true},
          compression_field()};
}

}  // namespace sluice
