// How each kind of fault is done and undone on a real node: four functions a kind, one file a kind.
// Keeper says when.
#pragma once

#include <functional>

#include "keeper.h"
#include "processes.h"

namespace pawk8s::agent {

using SaveUndo = std::function<absl::Status(const Undo&)>;

// freeze.cc
absl::StatusOr<Undo> Prepare(const Node& node, const Freeze& fault);
absl::Status Apply(const Node& node, const Freeze& fault, Undo& undo, const SaveUndo& save);
absl::Status Revert(const Node& node, const Freeze& fault, const Undo& undo);
bool IsGone(const Node& node, const Freeze& fault, const Undo& undo);

// cgroup_limits.cc
absl::StatusOr<Undo> Prepare(const Node& node, const MemoryLimit& fault);
absl::Status Apply(const Node& node, const MemoryLimit& fault, Undo& undo, const SaveUndo& save);
absl::Status Revert(const Node& node, const MemoryLimit& fault, const Undo& undo);
bool IsGone(const Node& node, const MemoryLimit& fault, const Undo& undo);
absl::StatusOr<Undo> Prepare(const Node& node, const CpuLimit& fault);
absl::Status Apply(const Node& node, const CpuLimit& fault, Undo& undo, const SaveUndo& save);
absl::Status Revert(const Node& node, const CpuLimit& fault, const Undo& undo);
bool IsGone(const Node& node, const CpuLimit& fault, const Undo& undo);

// cpu_load.cc
absl::StatusOr<Undo> Prepare(const Node& node, const CpuLoad& fault);
absl::Status Apply(const Node& node, const CpuLoad& fault, Undo& undo, const SaveUndo& save);
absl::Status Revert(const Node& node, const CpuLoad& fault, const Undo& undo);
bool IsGone(const Node& node, const CpuLoad& fault, const Undo& undo);

// file_write.cc
absl::StatusOr<Undo> Prepare(const Node& node, const FileWrite& fault);
absl::Status Apply(const Node& node, const FileWrite& fault, Undo& undo, const SaveUndo& save);
absl::Status Revert(const Node& node, const FileWrite& fault, const Undo& undo);
bool IsGone(const Node& node, const FileWrite& fault, const Undo& undo);

// packet_drop.cc
absl::StatusOr<Undo> Prepare(const Node& node, const PacketDrop& fault);
absl::Status Apply(const Node& node, const PacketDrop& fault, Undo& undo, const SaveUndo& save);
absl::Status Revert(const Node& node, const PacketDrop& fault, const Undo& undo);
bool IsGone(const Node& node, const PacketDrop& fault, const Undo& undo);

class NodeExecutor final : public Executor {
 public:
  explicit NodeExecutor(Node node) : node_(std::move(node)) {}

  absl::StatusOr<Undo> Prepare(const Injection& injection) override {
    return std::visit([&](const auto& fault) { return agent::Prepare(node_, fault); }, injection);
  }
  absl::Status Apply(const Injection& injection, Undo& undo, const SaveUndo& save) override {
    return std::visit([&](const auto& fault) { return agent::Apply(node_, fault, undo, save); },
                      injection);
  }
  absl::Status Revert(const Injection& injection, const Undo& undo) override {
    return std::visit([&](const auto& fault) { return agent::Revert(node_, fault, undo); },
                      injection);
  }
  bool IsGone(const Injection& injection, const Undo& undo) override {
    return std::visit([&](const auto& fault) { return agent::IsGone(node_, fault, undo); },
                      injection);
  }

 private:
  Node node_;
};

}  // namespace pawk8s::agent
