#include "cluster/access.hpp"

#include "cluster/error_answer.hpp"
#include "cluster/token.hpp"
#include "engine/error/names.hpp"
#include "engine/files/private_files.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>

namespace sluice::cluster {

namespace {

constexpr std::int64_t day_seconds = 24 * 60 * 60;
constexpr std::size_t most_name_bytes = 100;

std::string sha256(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  ::EVP_Digest(text.data(), text.size(), digest.data(), &size, ::EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

/// Owns a descriptor for the length of a block.
struct open_file {
  int number;
  explicit open_file(int given) : number(given) {}
  ~open_file() { ::close(number); }
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
};

result<std::string> text_of(int file, const std::string& path) {
  std::string text;
  std::array<char, 16 * 1024> chunk{};
  for (;;) {
    const auto count = ::read(file, chunk.data(), chunk.size());
    if (count < 0) return from_errno(errno, "read " + path);
    if (count == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

error damaged(const std::string& path) {
  return user_error("token_unusable", "the file " + path + " is not a list of tokens",
                    "restore it from a backup, or remove it and create the tokens again");
}

result<std::vector<token_record>> records_in(const std::string& text, const std::string& path) {
  std::vector<token_record> all;
  const auto json = options::try_parse(text);
  if (!json || !json->is_object() || !json->contains("tokens") || !(*json)["tokens"].is_array()) return damaged(path);
  for (const auto& each : (*json)["tokens"]) {
    if (!each.is_object()) return damaged(path);
    const auto role = role_from(each.value("role", ""));
    token_record one{.name = each.value("name", ""),
                     .hash = each.value("sha256", ""),
                     .created = each.value("created", std::int64_t{0}),
                     .expires = each.value("expires", std::int64_t{0})};
    if (!role || one.name.empty() || one.hash.size() != 64) return damaged(path);
    one.role = *role;
    all.push_back(std::move(one));
  }
  return all;
}

result<std::vector<token_record>> read_records(const std::string& path) {
  const int number = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (number < 0 && errno == ENOENT) return std::vector<token_record>();
  if (number < 0) return from_errno(errno, "open " + path);
  const open_file file(number);
  // Whoever could write to it could make tokens.
  struct stat about {};
  if (::fstat(number, &about) != 0) return from_errno(errno, "look at " + path);
  if (about.st_uid != ::geteuid() || (about.st_mode & 077) != 0)
    return user_error("token_exposed", path + " is accessible to other users", "chmod 600 " + path);
  SLUICE_ASSIGN(const auto text, text_of(number, path));
  return records_in(text, path);
}

status write_records(const std::string& path, const std::vector<token_record>& all) {
  options list = options::array();
  for (const auto& one : all)
    list.push_back({{"name", one.name},
                    {"role", to_string(one.role)},
                    {"sha256", one.hash},
                    {"created", one.created},
                    {"expires", one.expires}});
  const auto text = json_text({{"tokens", std::move(list)}}) + "\n";
  const auto beside = path + ".new";
  {
    SLUICE_ASSIGN(const int number, open_private_file(beside, O_WRONLY | O_TRUNC));
    const open_file file(number);
    if (::write(number, text.data(), text.size()) != static_cast<ssize_t>(text.size()) || ::fsync(number) != 0)
      return from_errno(errno, "write " + beside);
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) return from_errno(errno, "make " + path);
  return {};
}

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= most_name_bytes && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-' || c == '@';
  });
}

}  // namespace

const std::vector<std::string>& role_names() {
  static const std::vector<std::string> all = {"viewer", "operator", "admin"};
  return all;
}

const char* to_string(access_role role) { return role_names()[static_cast<std::size_t>(role)].c_str(); }

std::optional<access_role> role_from(std::string_view text) {
  const auto& all = role_names();
  const auto found = std::find(all.begin(), all.end(), text);
  if (found == all.end()) return {};
  return static_cast<access_role>(found - all.begin());
}

status token_file::change(const std::function<status(std::vector<token_record>&)>& how) const {
  SLUICE_TRY(make_private_folder(path_.substr(0, path_.rfind('/'))));
  SLUICE_ASSIGN(const int number, open_private_file(path_ + ".lock", O_RDWR));
  const open_file lock(number);
  if (::flock(number, LOCK_EX) != 0) return from_errno(errno, "lock " + path_);
  SLUICE_ASSIGN(auto all, read_records(path_));
  SLUICE_TRY(how(all));
  return write_records(path_, all);
}

result<std::string> token_file::create(const std::string& name, access_role role, std::int64_t days) const {
  if (!is_name(name))
    return user_error("invalid_name", "'" + name + "' can't be the name of a token",
                      "use letters, digits, dots, dashes, underscores and @, up to 100");
  auto token = random_token();
  SLUICE_TRY(change([&](std::vector<token_record>& all) -> status {
    if (std::any_of(all.begin(), all.end(), [&](const auto& one) { return one.name == name; }))
      return user_error("token_exists", "there is a token named " + name,
                        "choose another name, or revoke it first: sluice tokens revoke " + name);
    const std::int64_t now = std::time(nullptr);
    all.push_back({.name = name,
                   .role = role,
                   .hash = sha256(token),
                   .created = now,
                   .expires = days == 0 ? 0 : now + days * day_seconds});
    return {};
  }));
  return token;
}

status token_file::revoke(const std::string& name) const {
  return change([&](std::vector<token_record>& all) -> status {
    if (std::erase_if(all, [&](const auto& one) { return one.name == name; }) > 0) return {};
    std::vector<std::string> names;
    for (const auto& one : all) names.push_back(one.name);
    const auto near = nearest_name(name, names);
    return user_error("token_unknown", "there is no token named " + name,
                      near.empty() ? "sluice tokens list shows them" : "did you mean " + near + "?");
  });
}

result<std::vector<token_record>> token_file::list() const { return read_records(path_); }

std::optional<identity> token_file::owner_of(std::string_view token) {
  struct stat about {};
  std::string marks;
  if (::stat(path_.c_str(), &about) == 0)
    marks = std::to_string(about.st_ino) + "," + std::to_string(about.st_size) + "," +
            std::to_string(about.st_mtim.tv_sec) + "," + std::to_string(about.st_mtim.tv_nsec);
  const std::lock_guard guard(lock_);
  if (marks != seen_) {
    // A file that can't be read lets nobody in.
    by_hash_.clear();
    seen_ = marks;
    if (auto found = read_records(path_); found.ok())
      for (auto& one : *found) by_hash_[one.hash] = one;
  }
  // Looked up by the hash: the time that takes says nothing about the tokens.
  const auto found = by_hash_.find(sha256(token));
  if (found == by_hash_.end()) return {};
  const auto& one = found->second;
  if (one.expires != 0 && one.expires <= std::time(nullptr)) return {};
  return identity{one.name, one.role};
}

}  // namespace sluice::cluster
