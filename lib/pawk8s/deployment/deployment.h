// The deployment by its roles: validators, nodes, gateways, and the chain that they run.
//
//   Deployment paw(profile, kube::Client(config));
//   ASSIGN_OR_RETURN(const auto nodes, paw.ValidatorNodes(deadline));   // pod, node id, height
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/chain/rpc.h"
#include "pawk8s/deployment/profile.h"
#include "pawk8s/deployment/workload.h"
#include "pawk8s/kube/client.h"

namespace pawk8s {

// A pod of the deployment and what the chain's program in it says of itself.
struct PodNode {
  std::string pod;
  std::string pod_uid;
  std::string ip;
  chain::NodeStatus status;
};

// The block times of a range, as one node has them.
struct BlockRange {
  std::string told_by;  // the pod that was asked
  std::vector<chain::Block> blocks;

  // Between each block and the next.
  [[nodiscard]] std::vector<Millis> Gaps() const;
  // 0 for fewer than two blocks.
  [[nodiscard]] Millis LargestGap() const;
};

// Not thread-safe. Keeps one connection to the API server and one port-forward a pod.
class Deployment {
 public:
  Deployment(Profile profile, kube::Client client);
  // With the credentials that the profile names. Reads files; the first request connects.
  static absl::StatusOr<std::unique_ptr<Deployment>> Connect(const Profile& profile);

  [[nodiscard]] const Profile& profile() const { return profile_; }
  [[nodiscard]] kube::Client& kube() { return client_; }

  [[nodiscard]] absl::StatusOr<WorkloadState> Read(const WorkloadRef& workload,
                                                   const Deadline& deadline);

  // The RPC of one pod, each call at most 5 s of its deadline: NodeOf, PeersOf and Blocks see to
  // that. Goes over a port-forward that is kept, and made anew when it has ended.
  [[nodiscard]] chain::Rpc& RpcOf(const kube::Pod& pod);
  [[nodiscard]] absl::StatusOr<PodNode> NodeOf(const kube::Pod& pod, const Deadline& deadline);
  // Of every pod of the validators, Ready or not; an error of one is an error of all.
  [[nodiscard]] absl::StatusOr<std::vector<PodNode>> ValidatorNodes(const Deadline& deadline);

  // A validator whose loss leaves more than 2/3 of the voting power and that is not the first one,
  // which is the one most asked. FailedPrecondition if there is none.
  [[nodiscard]] absl::StatusOr<kube::Pod> SpareValidator(const Deadline& deadline);

  // A Ready validator that is not `victim`: who tells what happened meanwhile. From then on it is
  // the witness, which no fault may touch.
  [[nodiscard]] absl::StatusOr<kube::Pod> OtherValidator(const kube::Pod& victim,
                                                         const Deadline& deadline);
  [[nodiscard]] absl::StatusOr<kube::Pod> OtherValidator(const std::vector<kube::Pod>& victims,
                                                         const Deadline& deadline);
  [[nodiscard]] const std::string& witness_uid() const { return witness_uid_; }
  // For the next case, which may disturb any.
  void DismissWitness() { witness_uid_.clear(); }

  // What `pod` has as peers now.
  [[nodiscard]] absl::StatusOr<std::vector<chain::Peer>> PeersOf(const kube::Pod& pod,
                                                                 const Deadline& deadline);

  // The blocks `from`..`to` as `pod` has them.
  [[nodiscard]] absl::StatusOr<BlockRange> Blocks(const kube::Pod& pod, chain::Height from,
                                                  chain::Height to, const Deadline& deadline);

 private:
  Profile profile_;
  kube::Client client_;
  std::map<std::string, std::unique_ptr<chain::Rpc>> rpcs_;  // by pod uid
  std::string witness_uid_;
};

}  // namespace pawk8s
