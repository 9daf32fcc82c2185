#include "cluster/shared_folder.hpp"

#include "cluster/token.hpp"
#include "engine/files/private_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace sluice::cluster {

namespace fs = std::filesystem;

namespace {

/// A node's name may hold anything.
std::string file_name(const std::string& node) {
  std::string name = ".node-";
  for (const char c : node) name += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' ? c : '_';
  return name.substr(0, 200);
}

}  // namespace

result<std::string> make_sign(const std::string& folder, const std::string& node) {
  std::error_code problem;
  // That of keep_runs_in is a link of our own.
  const bool link = fs::is_symlink(folder, problem);
  SLUICE_TRY(make_private_folder(link ? fs::canonical(folder, problem).string() : folder));
  const auto whole = fs::canonical(folder, problem);
  if (problem) return from_errno(problem.value(), "find the folder " + folder);
  const auto path = (whole / file_name(node)).string();
  const auto text = random_token();
  SLUICE_ASSIGN(const int file, open_private_file(path, O_WRONLY | O_TRUNC));
  const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int number = errno;
  ::close(file);
  if (!written) return from_errno(number, "write " + path);
  return path + "\n" + text;
}

bool sees_sign(const std::string& sign) {
  const auto end = sign.find('\n');
  if (end == std::string::npos) return false;
  std::ifstream file(sign.substr(0, end));
  std::string text;
  return std::getline(file, text) && text == sign.substr(end + 1);
}

status keep_runs_in(const std::string& state_folder, const std::string& folder) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem) return from_errno(problem.value(), "make the folder " + folder);
  const auto whole = fs::canonical(folder, problem);
  if (problem) return from_errno(problem.value(), "find the folder " + folder);
  const auto link = fs::path(state_folder) / "runs";
  if (fs::is_symlink(link, problem)) {
    if (fs::equivalent(link, whole, problem)) return {};
    fs::remove(link, problem);
  } else if (fs::exists(link, problem) && !fs::remove(link, problem)) {
    return user_error("folder_exists",
                      "runs_folder is " + folder + ", but earlier runs have their files in " + link.string(),
                      "move that folder's content to " + folder + " and remove it");
  }
  fs::create_directory_symlink(whole, link, problem);
  if (problem) return from_errno(problem.value(), "make the link " + link.string());
  return {};
}

}  // namespace sluice::cluster
