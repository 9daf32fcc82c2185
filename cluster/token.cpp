#include "cluster/token.hpp"

#include "engine/files/private_files.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace sluice::cluster {

namespace {

constexpr std::size_t token_digits = 64;

std::string path_of(const std::string& state_folder) { return state_folder + "/token"; }

/// Reads a token from an open file and checks that only its owner may do so.
result<std::string> read_checked(int file, const std::string& path) {
  struct stat about {};
  if (::fstat(file, &about) != 0) return from_errno(errno, "look at " + path);
  if (about.st_uid != ::geteuid())
    return user_error("token_exposed", path + " belongs to user " + std::to_string(about.st_uid),
                      "remove it, or use a state folder of your own");
  if ((about.st_mode & 077) != 0)
    return user_error("token_exposed", path + " can be read by other users", "chmod 600 " + path);
  std::string text(token_digits + 1, '\0');
  const auto count = ::read(file, text.data(), text.size());
  if (count < 0) return from_errno(errno, "read " + path);
  text.resize(static_cast<std::size_t>(count));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.size() < 32)
    return user_error("token_unusable", path + " does not contain a token (at least 32 characters)",
                      "remove it: a new one is created");
  return text;
}

}  // namespace

std::string random_token() {
  std::array<unsigned char, token_digits / 2> bytes{};
  // Up to 256 bytes never come in part, and the call waits only in the first second of a machine's life.
  while (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
  }
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const auto byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

result<std::string> ensure_token(const std::string& state_folder) {
  SLUICE_TRY(make_private_folder(state_folder));
  const auto path = path_of(state_folder);
  for (;;) {
    if (const int file = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC); file >= 0) {
      auto text = read_checked(file, path);
      ::close(file);
      return text;
    }
    if (errno == ELOOP)
      return user_error("link_refused", "the token file " + path + " is a symbolic link",
                        "remove it: a new token is created");
    if (errno != ENOENT) return from_errno(errno, "open " + path);
    // Written beside and linked: whoever comes second reads the first one's whole token.
    const auto token = random_token();
    const auto beside = path + "." + token.substr(0, 16);
    SLUICE_ASSIGN(const int file, open_private_file(beside, O_WRONLY));
    const bool written = ::write(file, token.data(), token.size()) == static_cast<ssize_t>(token.size());
    const int write_problem = errno;
    ::close(file);
    const bool linked = written && ::link(beside.c_str(), path.c_str()) == 0;
    const int link_problem = errno;
    ::unlink(beside.c_str());
    if (linked) return token;
    if (!written) return from_errno(write_problem, "write " + beside);
    if (link_problem != EEXIST) return from_errno(link_problem, "make " + path);
  }
}

std::string read_token(const std::string& state_folder) {
  if (state_folder.empty()) return {};
  const auto path = path_of(state_folder);
  const int file = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) return {};
  auto text = read_checked(file, path);
  ::close(file);
  return text.ok() ? std::move(text).value() : std::string();
}

bool same_token(std::string_view one, std::string_view other) {
  return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace sluice::cluster
