#include "engine/error/error.hpp"

#include <arrow/status.h>
#include <arrow/util/io_util.h>

#include <cerrno>
#include <cstring>

namespace sluice {

std::string error::to_string() const {
  std::string text = "error[" + code + "]";
  if (at.line > 0) {
    text += " " + at.file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
  }
  if (!where.empty()) text += (at.line > 0 ? ": " : " ") + where;
  text += ": " + message;
  if (!hint.empty()) text += "\n  hint: " + hint;
  return text;
}

error user_error(std::string code, std::string message, std::string hint) {
  return {.code = std::move(code), .to_blame = blame::user, .message = std::move(message), .hint = std::move(hint)};
}

error external_error(std::string code, std::string message, std::string hint, bool retry) {
  return {.code = std::move(code),
          .to_blame = blame::external,
          .retry = retry,
          .message = std::move(message),
          .hint = std::move(hint)};
}

error internal_error(std::string code, std::string message) {
  return {.code = std::move(code),
          .to_blame = blame::internal,
          .message = std::move(message),
          .hint = "this is a bug in Sluice: please report it with the pipeline and this message"};
}

namespace {

struct known_errno {
  int number;
  const char* code;
  const char* hint;
};

constexpr known_errno known_errnos[] = {
    {ENOENT, "file_not_found", "check the path; relative paths are those of the command"},
    {EACCES, "permission_denied", "check who owns it and its permissions"},
    {EISDIR, "is_a_folder", "give the path of a file, or end it with / if you mean a folder"},
    {ENOTDIR, "not_a_folder", "one of the path's parent folders is a file"},
    {ENOSPC, "disk_full", "free space on that disk, or write to another one"},
    {EDQUOT, "disk_full", "the user's quota on that disk is exhausted"},
    {EFBIG, "file_too_large", "raise the limit on file sizes (ulimit -f), or write to several files"},
    {EROFS, "permission_denied", "that disk is mounted read-only"},
    {EADDRINUSE, "port_in_use", "the port is used by another program: choose another port"},
    {EMFILE, "too_many_files", "raise the limit on open files (ulimit -n)"},
    {EIO, "disk_error", "the disk reported an input/output error: check the kernel log"},
};

}  // namespace

error from_errno(int number, const std::string& doing) {
  for (const auto& known : known_errnos) {
    if (known.number == number)
      return external_error(known.code, "cannot " + doing + ": " + std::strerror(number), known.hint);
  }
  return external_error("system_error", "cannot " + doing + ": " + std::strerror(number), {}, number == EAGAIN);
}

error from_arrow(const arrow::Status& status, const std::string& doing) {
  const int number = arrow::internal::ErrnoFromStatus(status);
  if (number != 0) return from_errno(number, doing);
  const auto text = "cannot " + doing + ": " + status.message();
  if (status.IsOutOfMemory()) return external_error("out_of_memory", text, "raise run.memory or free memory");
  if (status.IsIOError()) return external_error("io_error", text);
  if (status.IsInvalid() || status.IsTypeError() || status.IsSerializationError())
    return user_error("invalid_data", text);
  if (status.IsNotImplemented()) return user_error("not_supported", text);
  return internal_error("arrow_error", text);
}

}  // namespace sluice
