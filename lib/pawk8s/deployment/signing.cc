#include "pawk8s/deployment/signing.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pawk8s/base/status.h"

namespace pawk8s {
namespace {

absl::StatusOr<kube::Pod> FirstReady(Deployment& paw, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const WorkloadState state, paw.Read(paw.profile().validators, deadline));
  const std::vector<kube::Pod> ready = state.ReadyPods();
  if (ready.empty()) return absl::UnavailableError("no validator is Ready");
  return ready.front();
}

}  // namespace

std::optional<Millis> SigningHistory::AllSignedAfter(int window, int least) const {
  const auto size = static_cast<std::size_t>(window);
  for (std::size_t end = size; end <= commits.size(); ++end) {
    const bool all = std::ranges::all_of(validators, [&](const auto& validator) {
      const auto first = commits.begin() + static_cast<std::ptrdiff_t>(end - size);
      return std::count_if(first, first + window, [&](const chain::Commit& commit) {
               return std::ranges::find(commit.signers, chain::ValidatorAddress{validator.first}) !=
                      commit.signers.end();
             }) >= least;
    });
    if (all && !validators.empty()) {
      return std::chrono::duration_cast<Millis>(blocks[end - 1].time - since.time);
    }
  }
  return std::nullopt;
}

std::map<std::string, std::int64_t> SigningHistory::SignedByPod() const {
  std::map<std::string, std::int64_t> signed_by;
  for (const auto& [address, pod] : validators) {
    signed_by[pod] = std::ranges::count_if(commits, [&](const chain::Commit& commit) {
      return std::ranges::find(commit.signers, chain::ValidatorAddress{address}) !=
             commit.signers.end();
    });
  }
  return signed_by;
}

absl::StatusOr<SigningHistory> ReadSigning(Deployment& paw, chain::Height since,
                                           const Deadline& deadline) {
  ASSIGN_OR_RETURN(const std::vector<PodNode> nodes, paw.ValidatorNodes(deadline));
  ASSIGN_OR_RETURN(const kube::Pod teller, FirstReady(paw, deadline));
  chain::Rpc& rpc = paw.RpcOf(teller);
  SigningHistory history{.told_by = teller.name()};
  for (const PodNode& node : nodes) history.validators[node.status.validator.hex] = node.pod;
  ASSIGN_OR_RETURN(history.since, rpc.BlockAt(since, deadline));
  ASSIGN_OR_RETURN(const chain::NodeStatus status, rpc.Status(deadline));
  for (chain::Height height = since + 1; height < status.latest; height = height + 1) {
    ASSIGN_OR_RETURN(chain::Block block, rpc.BlockAt(height, deadline));
    ASSIGN_OR_RETURN(chain::Commit commit, rpc.CommitAt(height, deadline));
    history.blocks.push_back(std::move(block));
    history.commits.push_back(std::move(commit));
  }
  ASSIGN_OR_RETURN(const auto set, rpc.ValidatorsAt(status.latest, deadline));
  for (const auto& [address, pod] : history.validators) {
    const bool votes = std::ranges::any_of(set, [&](const chain::Validator& v) {
      return v.address.hex == address && v.voting_power > 0;
    });
    if (!votes) history.not_in_set.push_back(pod);
  }
  return history;
}

absl::StatusOr<Progress> ReadProgress(Deployment& paw, const kube::Pod& teller, chain::Height since,
                                      const Deadline& deadline) {
  ASSIGN_OR_RETURN(const PodNode node, paw.NodeOf(teller, deadline));
  return Progress{.told_by = teller.name(), .blocks = node.status.latest - since};
}

absl::StatusOr<Votes> ReadVotes(Deployment& paw, const kube::Pod& teller, const PodNode& validator,
                                chain::Height since, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const PodNode node, paw.NodeOf(teller, deadline));
  Votes votes{.pod = validator.pod, .told_by = teller.name()};
  for (chain::Height height = since + 1; height < node.status.latest; height = height + 1) {
    ASSIGN_OR_RETURN(const chain::Commit commit, paw.RpcOf(teller).CommitAt(height, deadline));
    ++votes.commits;
    if (std::ranges::find(commit.signers, validator.status.validator) != commit.signers.end()) {
      ++votes.signed_by_it;
    }
  }
  return votes;
}

absl::StatusOr<std::map<std::string, std::string>> AppHashes(Deployment& paw,
                                                             const std::vector<kube::Pod>& pods,
                                                             const Deadline& deadline) {
  std::optional<chain::Height> common;
  for (const kube::Pod& pod : pods) {
    ASSIGN_OR_RETURN(const PodNode node, paw.NodeOf(pod, deadline));
    common = common ? std::min(*common, node.status.latest) : node.status.latest;
  }
  std::map<std::string, std::string> hashes;
  for (const kube::Pod& pod : pods) {
    ASSIGN_OR_RETURN(const chain::Block block, paw.RpcOf(pod).BlockAt(*common, deadline));
    hashes[pod.name()] = block.app_hash;
  }
  return hashes;
}

absl::StatusOr<std::size_t> EvidenceSince(Deployment& paw, chain::Height from,
                                          const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::Pod teller, FirstReady(paw, deadline));
  ASSIGN_OR_RETURN(const PodNode node, paw.NodeOf(teller, deadline));
  ASSIGN_OR_RETURN(const BlockRange range, paw.Blocks(teller, from, node.status.latest, deadline));
  if (range.blocks.empty()) return absl::UnavailableError("no block since then");
  std::size_t evidence = 0;
  for (const chain::Block& block : range.blocks) evidence += block.evidence;
  return evidence;
}

}  // namespace pawk8s
