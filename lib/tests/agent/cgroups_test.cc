// Containers found by their cgroups, and the cgroups' figures, in made-up folders of each layout.
#include "cgroups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "../test_folder.h"
#include "executor.h"
#include "pawk8s/agent/protocol.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

constexpr const char* kUid = "11111111-2222-3333-4444-555555555555";
constexpr const char* kContainerId =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

class MadeUpNode : public testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) {
    const auto file = folder_.path() / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::string Read(const std::string& path) {
    std::ifstream file(folder_.path() / path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void Process(int pid, const std::string& name, const std::string& cgroup, char state = 'S',
               int start = 1000) {
    const std::string folder = "proc/" + std::to_string(pid);
    Write(folder + "/cgroup", cgroup);
    std::string stat = std::to_string(pid) + " (" + name + ") " + state;
    for (int field = 4; field < 22; ++field) stat += " 0";
    Write(folder + "/stat", stat + " " + std::to_string(start) + " 0 0\n");
  }
  [[nodiscard]] Node node() const {
    return {folder_.path().string() + "/proc", folder_.path().string() + "/cgroup"};
  }

  TestFolder folder_;
  Target target_{kUid, kContainerId};
  std::string path_ = std::string("/kubepods/burstable/pod") + kUid + "/" + kContainerId;
};

TEST_F(MadeUpNode, FindsAContainersProcessesByEitherDriversNames) {
  Process(10, "pawd", "4:memory:" + path_ + "\n");
  Process(11, "sh (x) y",
          "0::/kubepods.slice/kubepods-burstable-pod11111111_2222_3333_4444_"
          "555555555555.slice/cri-containerd-" +
              std::string(kContainerId) + ".scope\n");
  Process(12, "other", "0::/kubepods/burstable/pod" + std::string(kUid) + "/bbbb\n");
  Process(13, "dead", "4:memory:" + path_ + "\n", 'Z');
  Process(14, std::string(kHelperName), "4:memory:" + path_ + "\n");
  const auto found = ProcessesOf(node(), target_);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].name, "pawd");
  EXPECT_EQ((*found)[1].name, "sh (x) y");
  EXPECT_EQ((*found)[0].id, (ProcessId{10, 1000}));
  const auto pod = ProcessesOfPod(node(), kUid);
  ASSERT_TRUE(pod.ok());
  EXPECT_EQ(pod->size(), 3u);
}

TEST_F(MadeUpNode, TellsAnEndedContainerFromAnAbsentProcess) {
  Process(10, "pawd", "4:memory:" + path_ + "\n");
  Target named = target_;
  named.process = "nginx";
  const absl::Status absent = ProcessesOf(node(), named).status();
  EXPECT_TRUE(absl::IsNotFound(absent));
  EXPECT_FALSE(IsTargetGone(absent));
  Target restarted = target_;
  restarted.container_id = std::string(64, 'c');
  EXPECT_TRUE(IsTargetGone(ProcessesOf(node(), restarted).status()));
  Target replaced = target_;
  replaced.pod_uid = "99999999-2222-3333-4444-555555555555";
  EXPECT_TRUE(IsTargetGone(ProcessesOf(node(), replaced).status()));
}

TEST_F(MadeUpNode, ReadsV1) {
  Process(10, "pawd",
          "5:memory:" + path_ + "\n2:cpuacct:" + path_ + "\n1:cpu:" + path_ + "\n0::/\n");
  Write("cgroup/cpu" + path_ + "/cpu.cfs_quota_us", "50000\n");
  Write("cgroup/cpu" + path_ + "/cpu.cfs_period_us", "100000\n");
  Write("cgroup/cpu" + path_ + "/cpu.stat", "nr_periods 40\nnr_throttled 4\nthrottled_time 7000\n");
  Write("cgroup/cpuacct" + path_ + "/cpuacct.usage", "123456789\n");
  const std::string memory = "cgroup/memory" + path_;
  Write(memory + "/memory.limit_in_bytes", "268435456\n");
  Write(memory + "/memory.usage_in_bytes", "1000000\n");
  Write(memory + "/memory.stat", "cache 5\ntotal_inactive_file 400000\n");
  Write(memory + "/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  EXPECT_EQ(CgroupLayout(node()), "v1");
  const auto facts = ReadCgroupFacts(node(), {target_});
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->cpu_quota_us, 50000);
  EXPECT_EQ(facts->cpu_period_us, 100000);
  EXPECT_EQ(facts->cpu_usage_us, 123456);
  EXPECT_EQ(facts->periods, 40);
  EXPECT_EQ(facts->throttled_periods, 4);
  EXPECT_EQ(facts->throttled_us, 7);
  EXPECT_EQ(facts->memory_limit, 268435456);
  EXPECT_EQ(facts->memory_working_set, 600000);
  EXPECT_EQ(facts->oom_kills, 2);
}

TEST_F(MadeUpNode, V1WithoutLimitsHasNone) {
  Process(10, "pawd", "5:memory:" + path_ + "\n2:cpu,cpuacct:" + path_ + "\n");
  Write("cgroup/cpu,cpuacct" + path_ + "/cpu.cfs_quota_us", "-1\n");
  Write("cgroup/cpu,cpuacct" + path_ + "/cpuacct.usage", "1000\n");
  Write("cgroup/memory" + path_ + "/memory.limit_in_bytes", "9223372036854771712\n");
  const auto facts = ReadCgroupFacts(node(), {target_});
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->cpu_quota_us, std::nullopt);
  EXPECT_EQ(facts->cpu_usage_us, 1);
  EXPECT_EQ(facts->memory_limit, std::nullopt);
}

TEST_F(MadeUpNode, ReadsV2AndHybridWhereTheControllersAre) {
  const std::string v2 = "cgroup" + path_;
  Process(10, "pawd", "0::" + path_ + "\n");
  Write("cgroup/cgroup.controllers", "cpu memory\n");
  Write(v2 + "/cgroup.controllers", "cpu memory\n");
  Write(v2 + "/cpu.max", "max 100000\n");
  Write(v2 + "/cpu.stat", "usage_usec 77\nnr_periods 3\nnr_throttled 1\nthrottled_usec 9\n");
  Write(v2 + "/memory.max", "max\n");
  Write(v2 + "/memory.current", "500\n");
  Write(v2 + "/memory.events", "low 0\nhigh 0\nmax 0\noom 1\noom_kill 1\n");
  EXPECT_EQ(CgroupLayout(node()), "v2");
  auto facts = ReadCgroupFacts(node(), {target_});
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->cpu_quota_us, std::nullopt);
  EXPECT_EQ(facts->cpu_usage_us, 77);
  EXPECT_EQ(facts->throttled_us, 9);
  EXPECT_EQ(facts->memory_limit, std::nullopt);
  EXPECT_EQ(facts->oom_kills, 1);
  Write(v2 + "/cpu.max", "25000 50000\n");
  Write(v2 + "/memory.max", "4096\n");
  facts = ReadCgroupFacts(node(), {target_});
  EXPECT_EQ(facts->cpu_quota_us, 25000);
  EXPECT_EQ(facts->cpu_period_us, 50000);
  EXPECT_EQ(facts->memory_limit, 4096);
}

TEST_F(MadeUpNode, HybridTakesTheControllerFromV1) {
  Process(10, "pawd", "5:memory:" + path_ + "\n0::" + path_ + "\n");
  Write("cgroup/unified/cgroup.controllers", "cpu\n");
  Write("cgroup/unified" + path_ + "/cgroup.controllers", "cpu\n");
  Write("cgroup/memory" + path_ + "/memory.limit_in_bytes", "8192\n");
  EXPECT_EQ(CgroupLayout(node()), "hybrid");
  const auto memory = ControllerOf(node(), target_, "memory");
  ASSERT_TRUE(memory.ok()) << memory.status();
  EXPECT_FALSE(memory->v2);
  const auto cpu = ControllerOf(node(), target_, "cpu");
  ASSERT_TRUE(cpu.ok()) << cpu.status();
  EXPECT_TRUE(cpu->v2);
  EXPECT_TRUE(absl::IsUnimplemented(ControllerOf(node(), target_, "io").status()));
}

TEST_F(MadeUpNode, LimitsAreWrittenBackAndGoWithTheContainer) {
  const std::string v2 = "cgroup" + path_;
  Process(10, "pawd", "0::" + path_ + "\n");
  Write("cgroup/cgroup.controllers", "cpu memory\n");
  Write(v2 + "/cgroup.controllers", "cpu memory\n");
  Write(v2 + "/cpu.max", "max 50000");
  const CpuLimit fault{target_, 100};
  NodeExecutor executor(node());
  auto undo = executor.Prepare(fault);
  ASSERT_TRUE(undo.ok()) << undo.status();
  const auto save = [](const Undo&) { return absl::OkStatus(); };
  ASSERT_TRUE(executor.Apply(fault, *undo, save).ok());
  EXPECT_THAT(Read(v2 + "/cpu.max"), testing::StartsWith("5000 50000"));
  EXPECT_FALSE(executor.IsGone(fault, *undo));
  ASSERT_TRUE(executor.Revert(fault, *undo).ok());
  EXPECT_THAT(Read(v2 + "/cpu.max"), testing::StartsWith("max 50000"));
  std::filesystem::remove_all(folder_.path() / v2);
  EXPECT_TRUE(executor.IsGone(fault, *undo));
  EXPECT_TRUE(IsTargetGone(executor.Revert(fault, *undo)));
}

TEST_F(MadeUpNode, ReadsMountsWithSpacesInTheirNames) {
  Process(10, "pawd", "0::" + path_ + "\n");
  Write("proc/10/mountinfo",
        "22 1 8:1 / / rw,relatime - ext4 /dev/root rw\n"
        "30 22 7:0 /vol /data\\040dir rw,nosuid shared:1 master:2 - ext4 /dev/loop0 rw,data=x\n");
  const auto list = ReadMountFacts(node(), {target_});
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_EQ(list->mounts.size(), 2u);
  EXPECT_EQ(list->mounts[1].path, "/data dir");
  EXPECT_EQ(list->mounts[1].type, "ext4");
  EXPECT_EQ(list->mounts[1].source, "/dev/loop0");
  EXPECT_EQ(list->mounts[1].root, "/vol");
  EXPECT_EQ(list->mounts[1].options, "rw,nosuid");
  EXPECT_EQ(list->mounts[1].super_options, "rw,data=x");
}

}  // namespace
}  // namespace pawk8s::agent
