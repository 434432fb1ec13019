// What the agent can inject. Every one has a deadline at which the agent reverts it by itself, and
// is reverted when told, when the agent restarts and when it is removed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "pawk8s/agent/codec.h"
#include "pawk8s/agent/target.h"

namespace pawk8s::agent {

// SIGSTOP; reverted by SIGCONT.
struct Freeze {
  static constexpr const char* kKind = "freeze";
  Target target;

  bool operator==(const Freeze&) const = default;
  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("target", self.target);
  }
};

// Sets the memory limit of the container's cgroup; reverted to the old limit.
struct MemoryLimit {
  static constexpr const char* kKind = "memory_limit";
  Target target;
  // None: the least value that the kernel accepts (cgroup v1 refuses one below what cannot be
  // reclaimed, v2 starts to kill at once).
  std::optional<std::int64_t> bytes{};

  bool operator==(const MemoryLimit&) const = default;
  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("target", self.target);
    field("bytes", self.bytes, Number{.min = 4096});
  }
};

// Sets the CPU quota of the container's cgroup; reverted to the old quota.
struct CpuLimit {
  static constexpr const char* kKind = "cpu_limit";
  Target target;
  std::int64_t millicores = 0;

  bool operator==(const CpuLimit&) const = default;
  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("target", self.target);
    field("millicores", self.millicores, Number{.min = 10, .max = 1'000'000});
  }
};

// Busy processes of the agent's own inside the container's CPU cgroup; reverted by ending them.
struct CpuLoad {
  static constexpr const char* kKind = "cpu_load";
  Target target;
  std::int64_t threads = 1;

  bool operator==(const CpuLoad&) const = default;
  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("target", self.target);
    field("threads", self.threads, Number{.min = 1, .max = 64});
  }
};

// Writes a file as the container sees it, then fsyncs it; reverted to what it was (deleted, if
// there was none). The file's owner stays, a new one is root's.
struct FileWrite {
  static constexpr const char* kKind = "file_write";
  Target target;
  std::string path;  // absolute, in the container
  Bytes content;

  bool operator==(const FileWrite&) const = default;
  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("target", self.target);
    field("path", self.path, Text{.min = 2, .max = 1024});
    field("content", self.content, Text{.max = 65536});
  }
};

enum class Direction { kIngress, kEgress, kBoth };
template <>
struct EnumNames<Direction> {
  static constexpr std::pair<Direction, std::string_view> kAll[] = {
      {Direction::kIngress, "ingress"}, {Direction::kEgress, "egress"}, {Direction::kBoth, "both"}};
};
enum class Protocol { kAny, kTcp, kUdp };
template <>
struct EnumNames<Protocol> {
  static constexpr std::pair<Protocol, std::string_view> kAll[] = {
      {Protocol::kAny, "any"}, {Protocol::kTcp, "tcp"}, {Protocol::kUdp, "udp"}};
};

// Which IPv4 packets of one interface: those to (egress) or from (ingress) one of the peers, and
// with one of the ports on either side. An empty list: any.
struct PacketMatch {
  std::string interface = "eth0";
  Direction direction = Direction::kBoth;
  Protocol protocol = Protocol::kAny;
  std::vector<std::string> peers;  // "10.0.0.7" or "10.0.0.0/24"
  std::vector<std::int64_t> ports;

  bool operator==(const PacketMatch&) const = default;
  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("interface", self.interface, Text{.min = 1, .max = 15});
    field("direction", self.direction);
    field("protocol", self.protocol);
    field("peers", self.peers, Count{.max = 64, .text = {.min = 7, .max = 18}});
    field("ports", self.ports, Count{.max = 16, .number = {.min = 1, .max = 65535}});
  }
};

// Drops them; reverted by removing exactly the filters that it added.
struct PacketDrop {
  static constexpr const char* kKind = "packet_drop";
  Place place;
  PacketMatch match;

  bool operator==(const PacketDrop&) const = default;
  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("place", self.place);
    field("match", self.match);
  }
};

using Injection = std::variant<Freeze, MemoryLimit, CpuLimit, CpuLoad, FileWrite, PacketDrop>;

// "freeze", ...
[[nodiscard]] std::string_view KindOf(const Injection& injection);

enum class FaultPhase {
  kArmed,      // written down, not yet done
  kActive,     // done
  kReverting,  // being undone; repeated until that succeeds
  kReverted,
};
template <>
struct EnumNames<FaultPhase> {
  static constexpr std::pair<FaultPhase, std::string_view> kAll[] = {
      {FaultPhase::kArmed, "armed"},
      {FaultPhase::kActive, "active"},
      {FaultPhase::kReverting, "reverting"},
      {FaultPhase::kReverted, "reverted"}};
};
enum class EndedBy { kDeadline, kCommand, kRestart, kRemoval, kTargetGone, kFailure };
template <>
struct EnumNames<EndedBy> {
  static constexpr std::pair<EndedBy, std::string_view> kAll[] = {
      {EndedBy::kDeadline, "deadline"},      {EndedBy::kCommand, "command"},
      {EndedBy::kRestart, "restart"},        {EndedBy::kRemoval, "removal"},
      {EndedBy::kTargetGone, "target-gone"}, {EndedBy::kFailure, "failure"}};
};

// What the agent knows of one fault. Times are the node's wall clock in milliseconds.
struct FaultState {
  std::string id;
  std::string kind;
  FaultPhase phase = FaultPhase::kArmed;
  std::int64_t armed_ms = 0;
  std::int64_t deadline_ms = 0;
  std::optional<std::int64_t> applied_ms{};
  std::optional<std::int64_t> reverted_ms{};
  std::optional<EndedBy> ended_by{};  // why it is being or was undone
  bool target_gone = false;           // there was nothing left to undo
  std::int64_t failed_reverts = 0;
  std::string last_error;  // of the last revert that failed

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("id", self.id);
    field("kind", self.kind);
    field("phase", self.phase);
    field("armed_ms", self.armed_ms);
    field("deadline_ms", self.deadline_ms);
    field("applied_ms", self.applied_ms);
    field("reverted_ms", self.reverted_ms);
    field("ended_by", self.ended_by);
    field("target_gone", self.target_gone);
    field("failed_reverts", self.failed_reverts);
    field("last_error", self.last_error);
  }
};

// Injects. Idempotent by id: the same request again is answered with the state of the first;
// another one under the same id is AlreadyExists; an id that has been reverted is
// FailedPrecondition. An error means that nothing is left injected, or that its revert goes on (see
// `faults`).
struct ArmRequest {
  static constexpr const char* kVerb = "arm";
  using Result = FaultState;

  std::string id;           // [A-Za-z0-9._-], chosen by the caller
  std::int64_t ttl_ms = 0;  // from arrival until the agent reverts it by itself
  // The node's wall clock; nothing is done after it, so that a request that was held up on its way
  // does not start a fault that nobody waits for. The deadline is the earlier of the two.
  std::optional<std::int64_t> not_after_ms{};
  Injection injection;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field);
};

// Undoes, and answers once that is done. Reverting what was reverted is OK; NotFound for an id that
// the agent does not know.
struct RevertRequest {
  static constexpr const char* kVerb = "revert";
  using Result = FaultState;
  std::string id;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("id", self.id, Text{.min = 1, .max = 128});
  }
};

struct FaultList {
  std::vector<FaultState> faults;  // those that are not reverted, and the last 100 that are

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("faults", self.faults);
  }
};
struct FaultsRequest {
  static constexpr const char* kVerb = "faults";
  using Result = FaultList;

  template <class Self, class Visitor>
  static void Fields(Self& /*self*/, Visitor& /*field*/) {}
};

// The injection is one member of the request, named by its kind: {"id": ..., "freeze": {...}}.
template <class Self, class Visitor>
void ArmRequest::Fields(Self& self, Visitor& field) {
  field("id", self.id, Text{.min = 1, .max = 128});
  field("ttl_ms", self.ttl_ms, Number{.min = 1, .max = 3'600'000});
  field("not_after_ms", self.not_after_ms, Number{.min = 0});
  std::optional<Freeze> freeze;
  std::optional<MemoryLimit> memory_limit;
  std::optional<CpuLimit> cpu_limit;
  std::optional<CpuLoad> cpu_load;
  std::optional<FileWrite> file_write;
  std::optional<PacketDrop> packet_drop;
  int named = 0;
  const auto one = [&]<class T>(std::optional<T>& value) {
    if constexpr (std::is_const_v<Self>) {
      if (const T* held = std::get_if<T>(&self.injection)) value = *held;
    }
    field(T::kKind, value);
    if constexpr (!std::is_const_v<Self>) {
      if (value) {
        self.injection = *std::move(value);
        ++named;
      }
    }
  };
  one(freeze);
  one(memory_limit);
  one(cpu_limit);
  one(cpu_load);
  one(file_write);
  one(packet_drop);
  if constexpr (!std::is_const_v<Self>) {
    if (field.status.ok() && named != 1) field.status = codec_internal::NotA("one kind of fault");
  }
}

}  // namespace pawk8s::agent
