#include "engine/sinks/folders/prepared_parts.hpp"

#include "engine/component/opaque.hpp"
#include "engine/files/hidden_file.hpp"
#include "engine/secrets/known_secrets.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace sluice::folders {

namespace {

constexpr char token_kind = 'Q';
constexpr char list_kind = 'q';
constexpr std::size_t most_in_token = 2048;

std::string packed(const std::vector<std::string>& tokens) {
  opaque_writer out(list_kind);
  out.number(static_cast<std::int64_t>(tokens.size()));
  for (const auto& token : tokens) out.text(token);
  return out.take();
}

result<std::vector<std::string>> unpacked(const std::string& bytes) {
  opaque_reader in(bytes, list_kind);
  std::vector<std::string> tokens;
  for (auto left = in.number(); left > 0 && !in.failed(); --left) tokens.push_back(in.text());
  SLUICE_TRY(in.done("the list of parts to publish"));
  return tokens;
}

status write_list(const std::string& path, const std::string& bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (file < 0) return from_errno(errno, "write " + path);
  const auto failed = [&](const std::string& doing) {
    const int number = errno;
    ::close(file);
    ::unlink(path.c_str());
    return status(from_errno(number, doing + " " + path));
  };
  for (std::size_t at = 0; at < bytes.size();) {
    const auto done = ::write(file, bytes.data() + at, bytes.size() - at);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return failed("write");
    at += static_cast<std::size_t>(done);
  }
  if (::fsync(file) != 0) return failed("make durable");
  ::close(file);
  const auto folder = std::filesystem::path(path).parent_path().string();
  const int number = sync_folder(folder);
  return number == 0 ? status() : status(from_errno(number, "make durable the folder " + folder));
}

}  // namespace

result<std::string> token_of(const prepared_parts& made, const std::string& list) {
  auto bytes = packed(made.tokens);
  const bool fits = bytes.size() <= most_in_token;
  if (!fits) SLUICE_TRY(write_list(list, bytes));
  const auto hash = XXH3_64bits(bytes.data(), bytes.size());
  return opaque_writer(token_kind)
      .number(static_cast<std::int64_t>(made.removes))
      .text(made.chain)
      .text(fits ? "" : secrets::hide(list))
      .number(static_cast<std::int64_t>(hash))
      .text(fits ? bytes : packed({made.tokens.front()}))
      .take();
}

result<parts_token> read_parts_token(const std::string& token) {
  opaque_reader in(token, token_kind);
  parts_token made;
  const auto removes = in.number();
  made.parts.removes = removes == static_cast<std::int64_t>(replaced::all_partitions)   ? replaced::all_partitions
                       : removes == static_cast<std::int64_t>(replaced::its_partitions) ? replaced::its_partitions
                                                                                        : replaced::nothing;
  made.parts.chain = in.text();
  made.list = in.text();
  const auto hash = static_cast<std::uint64_t>(in.number());
  auto bytes = in.text();
  SLUICE_TRY(in.done("the token of parts to publish"));
  SLUICE_TRY(secrets::reveal(made.list));
  if (!made.list.empty()) {
    std::ifstream file(made.list, std::ios::binary);
    made.list_gone = !file.is_open();
    if (file.is_open()) {
      bytes.assign(std::istreambuf_iterator<char>(file), {});
      if (XXH3_64bits(bytes.data(), bytes.size()) != hash)
        return external_error("prepared_lost", "the file " + made.list + " is not what was written",
                              "another program changed it: run the pipeline again");
    }
  }
  SLUICE_ASSIGN(made.parts.tokens, unpacked(bytes));
  return made;
}

}  // namespace sluice::folders
