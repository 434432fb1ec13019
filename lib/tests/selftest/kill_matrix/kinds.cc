#include "kinds.h"

#include <map>

#include "pawk8s/base/status.h"

namespace pawk8s::selftest {
namespace {

struct Target {
  Deployment& paw;
  kube::Pod pod;  // the spare validator
  std::string container;
  fault::FaultOptions options;
  Deadline deadline;
};
using Arm = absl::StatusOr<fault::Fault> (*)(fault::Faults&, const Target&);

kube::ObjectRef SetOf(const Target& target) {
  return {kube::kStatefulSets, target.paw.profile().ns, target.paw.profile().validators.name};
}

constexpr std::int64_t kRoomyLimit = 400LL << 20;  // below the container's own, above its use

const std::map<std::string_view, Arm>& Table() {
  static const auto* table = new std::map<std::string_view, Arm>{
      {"scale",
       [](fault::Faults& faults, const Target& t) {
         return faults.Scale(SetOf(t), 3, t.deadline, t.options, {t.pod});
       }},
      {"edit",
       [](fault::Faults& faults, const Target& t) {
         return faults.Edit(SetOf(t), {{"metadata", {{"annotations", {{"pawk8s.dev/note", "x"}}}}}},
                            "annotate the validators", t.deadline, t.options);
       }},
      {"cordon",
       [](fault::Faults& faults, const Target& t) {
         return faults.Cordon(t.pod.node().value_or(""), t.deadline, t.options);
       }},
      {"create",
       [](fault::Faults& faults, const Target& t) {
         return faults.Create({kube::kConfigMaps, t.paw.profile().ns},
                              {{"metadata", {{"name", "pawk8s-kill-matrix"}}}}, t.deadline,
                              t.options);
       }},
      {"freeze",
       [](fault::Faults& faults, const Target& t) {
         return faults.Freeze(t.pod, t.container, t.deadline, t.options);
       }},
      {"cpu",
       [](fault::Faults& faults, const Target& t) {
         return faults.LoadCpu(t.pod, t.container, 1, t.deadline, t.options);
       }},
      {"memory",
       [](fault::Faults& faults, const Target& t) {
         return faults.LimitMemory(t.pod, t.container, kRoomyLimit, t.deadline, t.options);
       }},
      {"file",
       [](fault::Faults& faults, const Target& t) {
         return faults.WriteFile(t.pod, t.container, "/data/pawk8s-kill-matrix", "sentinel",
                                 t.deadline, t.options);
       }},
      {"packets",
       [](fault::Faults& faults, const Target& t) -> absl::StatusOr<fault::Fault> {
         ASSIGN_OR_RETURN(const kube::Pod peer, t.paw.OtherValidator(t.pod, t.deadline));
         const std::string ip = peer.ip().value_or("");
         return faults.DropPackets(t.pod, {.peers = {ip}}, {ip, 26656}, t.deadline, t.options);
       }},
  };
  return *table;
}

}  // namespace

const std::vector<std::string_view>& Kinds() {
  static const auto* kinds = [] {
    auto* names = new std::vector<std::string_view>;
    for (const auto& [name, arm] : Table()) names->push_back(name);
    return names;
  }();
  return *kinds;
}

absl::StatusOr<fault::Fault> ArmKind(std::string_view kind, fault::Faults& faults, Deployment& paw,
                                     std::chrono::seconds hold, const Deadline& deadline) {
  const auto found = Table().find(kind);
  if (found == Table().end()) return absl::InvalidArgumentError("no fault of that kind");
  ASSIGN_OR_RETURN(const kube::Pod pod, paw.SpareValidator(deadline));
  return found->second(faults, {.paw = paw,
                                .pod = pod,
                                .container = paw.profile().validators.container,
                                .options = {.hold = hold},
                                .deadline = deadline});
}

}  // namespace pawk8s::selftest
