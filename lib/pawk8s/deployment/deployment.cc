#include "pawk8s/deployment/deployment.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/kube/kubeconfig.h"
#include "pawk8s/kube/port_forward.h"

namespace pawk8s {
namespace {

constexpr std::chrono::seconds kRpcTimeout{5};

}  // namespace

std::vector<Millis> BlockRange::Gaps() const {
  std::vector<Millis> gaps;
  for (std::size_t i = 1; i < blocks.size(); ++i) {
    gaps.push_back(std::chrono::duration_cast<Millis>(blocks[i].time - blocks[i - 1].time));
  }
  return gaps;
}

Millis BlockRange::LargestGap() const {
  const std::vector<Millis> gaps = Gaps();
  return gaps.empty() ? Millis{0} : *std::ranges::max_element(gaps);
}

Deployment::Deployment(Profile profile, kube::Client client)
    : profile_(std::move(profile)), client_(std::move(client)) {}

absl::StatusOr<std::unique_ptr<Deployment>> Deployment::Connect(const Profile& profile) {
  ASSIGN_OR_RETURN(const kube::Kubeconfig config,
                   kube::Kubeconfig::Load(
                       {.path = profile.cluster.kubeconfig, .context = profile.cluster.context}));
  return std::make_unique<Deployment>(profile, kube::Client(config));
}

absl::StatusOr<WorkloadState> Deployment::Read(const WorkloadRef& workload,
                                               const Deadline& deadline) {
  return ReadWorkload(client_, workload, deadline);
}

chain::Rpc& Deployment::RpcOf(const kube::Pod& pod) {
  std::unique_ptr<chain::Rpc>& rpc = rpcs_[pod.uid()];
  if (rpc == nullptr) {
    net::HttpOptions options;
    options.dial = kube::DialPod(client_, pod.ns(), pod.name(), profile_.ports.rpc);
    rpc = std::make_unique<chain::Rpc>(std::move(options), "http://" + pod.name());
  }
  return *rpc;
}

absl::StatusOr<PodNode> Deployment::NodeOf(const kube::Pod& pod, const Deadline& deadline) {
  absl::StatusOr<chain::NodeStatus> status = RpcOf(pod).Status(deadline.AtMost(kRpcTimeout));
  if (!status.ok()) return Annotate(status.status(), "asking " + pod.name());
  return PodNode{.pod = pod.name(),
                 .pod_uid = pod.uid(),
                 .ip = pod.ip().value_or(""),
                 .status = *std::move(status)};
}

absl::StatusOr<std::vector<PodNode>> Deployment::ValidatorNodes(const Deadline& deadline) {
  ASSIGN_OR_RETURN(const WorkloadState state, Read(profile_.validators, deadline));
  std::vector<PodNode> nodes;
  for (const kube::Pod& pod : state.pods) {
    ASSIGN_OR_RETURN(PodNode node, NodeOf(pod, deadline));
    nodes.push_back(std::move(node));
  }
  return nodes;
}

absl::StatusOr<kube::Pod> Deployment::SpareValidator(const Deadline& deadline) {
  ASSIGN_OR_RETURN(const WorkloadState state, Read(profile_.validators, deadline));
  std::vector<std::int64_t> powers;
  std::int64_t total = 0;
  for (const kube::Pod& pod : state.pods) {
    ASSIGN_OR_RETURN(const PodNode node, NodeOf(pod, deadline));
    powers.push_back(node.status.voting_power);
    total += node.status.voting_power;
  }
  for (std::size_t i = state.pods.size(); i-- > 1;) {
    if (powers[i] > 0 && 3 * (total - powers[i]) > 2 * total) return state.pods[i];
  }
  return absl::FailedPreconditionError(
      fmt::format("{} has no validator whose loss would leave more than 2/3 of the voting power",
                  profile_.validators.ToString()));
}

absl::StatusOr<kube::Pod> Deployment::OtherValidator(const kube::Pod& victim,
                                                     const Deadline& deadline) {
  return OtherValidator(std::vector<kube::Pod>{victim}, deadline);
}

absl::StatusOr<kube::Pod> Deployment::OtherValidator(const std::vector<kube::Pod>& victims,
                                                     const Deadline& deadline) {
  ASSIGN_OR_RETURN(const WorkloadState state, Read(profile_.validators, deadline));
  std::string names;
  for (const kube::Pod& victim : victims) names += (names.empty() ? "" : ", ") + victim.name();
  for (const kube::Pod& pod : state.pods) {
    const bool taken = std::ranges::any_of(
        victims, [&](const kube::Pod& victim) { return victim.uid() == pod.uid(); });
    if (taken || !WhyNotReady(pod).empty()) continue;
    witness_uid_ = pod.uid();
    return pod;
  }
  return absl::FailedPreconditionError(
      fmt::format("{} has no Ready pod besides {}", profile_.validators.ToString(), names));
}

absl::StatusOr<std::vector<chain::Peer>> Deployment::PeersOf(const kube::Pod& pod,
                                                             const Deadline& deadline) {
  auto peers = RpcOf(pod).Peers(deadline.AtMost(kRpcTimeout));
  if (!peers.ok()) return Annotate(peers.status(), "asking " + pod.name());
  return peers;
}

absl::StatusOr<BlockRange> Deployment::Blocks(const kube::Pod& pod, chain::Height from,
                                              chain::Height to, const Deadline& deadline) {
  BlockRange range{.told_by = pod.name()};
  for (chain::Height height = from; height <= to; height = height + 1) {
    ASSIGN_OR_RETURN(chain::Block block, RpcOf(pod).BlockAt(height, deadline.AtMost(kRpcTimeout)));
    range.blocks.push_back(std::move(block));
  }
  return range;
}

}  // namespace pawk8s
