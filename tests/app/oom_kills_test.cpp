#include "app/oom_kills.hpp"

#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

using namespace sluice::app;

namespace {

struct machine {
  sluice::test::temporary_folder folder;

  void write(const std::string& path, const std::string& text) const {
    const auto whole = folder.file(path);
    std::filesystem::create_directories(std::filesystem::path(whole).parent_path());
    std::ofstream(whole) << text;
  }
  [[nodiscard]] oom_kills read() const { return read_oom_kills(folder.path().string()); }
};

}  // namespace

TEST_CASE("kills for want of memory are counted by the control group and by the machine") {
  const machine here;
  CHECK_FALSE(here.read().group);
  CHECK_FALSE(here.read().machine);
  here.write("proc/vmstat", "nr_free_pages 5\noom_kill 7\npgfault 9\n");
  here.write("proc/self/cgroup", "0::/system.slice/etl.service\n");
  here.write("sys/fs/cgroup/system.slice/etl.service/memory.events", "low 0\nhigh 3\nmax 4\noom 2\noom_kill 1\n");
  CHECK(here.read().machine == 7);
  CHECK(here.read().group == 1);
  // A container sees its own group as the root.
  here.write("proc/self/cgroup", "0::/elsewhere\n");
  here.write("sys/fs/cgroup/memory.events", "oom 2\noom_kill 2\n");
  CHECK(here.read().group == 2);
  here.write("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/box\n0::/\n");
  here.write("sys/fs/cgroup/memory/box/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n");
  CHECK(here.read().group == 4);
}

TEST_CASE("what is certain of a process that was killed, and what is likely") {
  const oom_kills none{.group = 1, .machine = 7}, here{.group = 2, .machine = 8}, elsewhere{.group = 1, .machine = 8};
  const std::string log = "4,1,5,-;Memory cgroup out of memory: Killed process 412 (sluice) total-vm:9kB\n";
  CHECK(judge_oom(none, none, "", 41) == oom_verdict::no);
  CHECK(judge_oom(none, here, "", 41) == oom_verdict::likely);
  CHECK(judge_oom(none, elsewhere, "", 41) == oom_verdict::no);
  CHECK(judge_oom({.group = {}, .machine = 7}, {.group = {}, .machine = 8}, "", 41) == oom_verdict::likely);
  CHECK(judge_oom({}, {}, "", 41) == oom_verdict::unknown);
  CHECK(judge_oom({}, {}, log, 412) == oom_verdict::yes);
  CHECK(judge_oom(none, here, log, 41) == oom_verdict::likely);
}
