#include "pawk8s/deployment/rolling_update.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/deployment/budget.h"
#include "pawk8s/kube/informer.h"
#include "pawk8s/wait/until.h"

namespace pawk8s {
namespace {

using nlohmann::json;

constexpr Millis kMargin{30'000};
constexpr Millis kStatusTimeout{1000};
constexpr Millis kAskEvery{1000};
constexpr const char* kAnnotation = "pawk8s.dev/rollout";
// Of a well-formed reference that no registry has.
constexpr const char* kAbsentDigest =
    "sha256:00000000000000000000000000000000000000000000000000000000deadbeef";

std::int64_t WallMillis() {
  return std::chrono::duration_cast<Millis>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

kube::ObjectRef ValidatorsRef(const Profile& profile) {
  return {kube::kStatefulSets, profile.validators.ns, profile.validators.name};
}

absl::StatusOr<kube::StatefulSet> ReadSet(Deployment& paw, const Deadline& deadline) {
  ASSIGN_OR_RETURN(kube::Object set, paw.kube().Get(ValidatorsRef(paw.profile()), deadline));
  return kube::StatefulSet(std::move(set));
}

// A watch of the validators' pods, and what it saw at first.
struct Watch {
  std::unique_ptr<kube::Informer> pods;
  std::vector<kube::Object> at_first;
};
absl::StatusOr<Watch> WatchPods(Deployment& paw, const kube::StatefulSet& set,
                                const Deadline& deadline) {
  ASSIGN_OR_RETURN(auto pods, kube::Informer::Start(
                                  paw.kube(), {kube::kPods, set.ns(), set.selector()}, deadline));
  std::vector<kube::Object> at_first = pods->Get().objects;
  return Watch{std::move(pods), std::move(at_first)};
}

// Asks the forerunner for its status from inside its own network namespace, on its pod IP.
// `unheard` tells why one could not be asked, which is no silence of its own.
RolloutLog::OnDeletion AskForerunner(const Profile& profile, agent::Agent& agents,
                                     const Deadline& deadline, absl::Status& unheard) {
  return [&profile, &agents, deadline, &unheard](PodTurn& turn, const kube::Pod& forerunner) {
    if (!forerunner.ip()) return;
    const Deadline soon = deadline.AtMost(kStatusTimeout * 3);
    const auto on = agents.For(forerunner, soon);
    if (!on.ok()) {
      unheard.Update(on.status());
      return;
    }
    const auto series = on->Call(agent::HttpRequest{.place = agent::PlaceOf(forerunner),
                                                    .address = *forerunner.ip(),
                                                    .port = profile.ports.rpc,
                                                    .path = "/status",
                                                    .timeout_ms = kStatusTimeout.count()},
                                 soon);
    if (IsRetryable(series.status())) unheard.Update(series.status());
    turn.forerunner->answered =
        series.ok() && series->replies.size() == 1 && series->replies.front().status == 200;
  };
}

absl::StatusOr<std::map<std::string, PodImage>> ReadImages(Deployment& paw,
                                                           const Deadline& deadline) {
  ASSIGN_OR_RETURN(const WorkloadState state, paw.Read(paw.profile().validators, deadline));
  std::map<std::string, PodImage> images;
  for (const kube::Pod& pod : state.pods) {
    const auto status = pod.container_status(paw.profile().validators.container);
    images[pod.name()] = {.revision = pod.revision().value_or(""),
                          .image_id = status ? status->image_id : ""};
  }
  return images;
}

// The patch by which every container of that name has an image that does not exist.
absl::StatusOr<kube::Json> AbsentImage(const kube::StatefulSet& set, std::string_view container) {
  kube::Json containers = kube::FindList(set.json(), {"spec", "template", "spec", "containers"});
  for (kube::Json& one : containers) {
    if (kube::FindString(one, {"name"}) != container) continue;
    std::string image = kube::FindString(one, {"image"}).value_or("");
    image.erase(std::min(image.find('@'), image.size()));
    one["image"] = image + "@" + kAbsentDigest;
    return kube::Json{{"spec", {{"template", {{"spec", {{"containers", containers}}}}}}}};
  }
  return absl::FailedPreconditionError(
      fmt::format("{} has no container {}", set.ToString(), container));
}

// Of any revision: whoever is there has the blocks.
absl::StatusOr<kube::Pod> FirstReady(const WorkloadState& state) {
  for (const kube::Pod& pod : state.pods) {
    if (WhyNotReady(pod).empty()) return pod;
  }
  return absl::UnavailableError("no validator is Ready");
}

// The blocks since `from`, of the first pod that tells them: one that is Ready need not answer yet,
// if no probe asks it.
absl::StatusOr<BlockRange> AskAny(Deployment& paw, const std::vector<kube::Pod>& pods,
                                  chain::Height from, const Deadline& deadline) {
  auto report = Until(
      deadline, Every(kAskEvery),
      [&](const Deadline& d) -> absl::StatusOr<BlockRange> {
        absl::Status last = absl::UnavailableError("there is no pod");
        for (const kube::Pod& pod : pods) {
          const auto node = paw.NodeOf(pod, d);
          if (node.ok()) return paw.Blocks(pod, from, node->status.latest, d);
          last = node.status();
        }
        return last;
      },
      [](const BlockRange& range) { return range.blocks.size() >= 2; });
  RETURN_IF_ERROR(Annotate(report.status, "asking for the blocks of the rollout"));
  return *std::move(report.last);
}

absl::StatusOr<chain::Height> LatestHeight(Deployment& paw, const WorkloadState& state,
                                           const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::Pod pod, FirstReady(state));
  ASSIGN_OR_RETURN(const PodNode node, paw.NodeOf(pod, deadline));
  return node.status.latest;
}

bool IsStuck(const Rollout& rollout) {
  return !rollout.turns.empty() && rollout.turns.front().created.has_value();
}

// The first phase: one pod is stuck, the others go on.
absl::Status StayStuck(Deployment& paw, const kube::StatefulSet& set, int blocks, Millis within,
                       StuckUpdate& update, const Deadline& deadline) {
  const Deadline until = deadline.AtMost(within);
  ASSIGN_OR_RETURN(const kube::StatefulSet now, ReadSet(paw, deadline));
  ASSIGN_OR_RETURN(const Watch watch, WatchPods(paw, set, deadline));
  RolloutLog log(watch.at_first, now.update_revision().value_or(""),
                 static_cast<int>(set.replicas().value_or(1)), std::chrono::steady_clock::now());
  RETURN_IF_ERROR(Follow(*watch.pods, log, IsStuck, until));
  if (!IsStuck(log.rollout())) {
    update.stuck = log.rollout();
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const WorkloadState state, paw.Read(paw.profile().validators, deadline));
  const std::string stuck = log.rollout().turns.front().pod;
  std::vector<kube::Pod> others;
  for (const kube::Pod& pod : state.pods) {
    if (pod.name() != stuck) others.push_back(pod);
  }
  if (others.empty()) return absl::FailedPreconditionError("no validator besides the stuck one");
  ASSIGN_OR_RETURN(const PodNode first, paw.NodeOf(others.front(), deadline));
  while (!until.Over() && update.blocks < blocks) {
    RETURN_IF_ERROR(AskForEvictions(paw.kube(), others, update.evictions, deadline));
    RETURN_IF_ERROR(Follow(
        *watch.pods, log, [](const Rollout&) { return false; }, until.AtMost(kAskEvery)));
    ASSIGN_OR_RETURN(const PodNode last, paw.NodeOf(others.front(), deadline));
    update.blocks = last.status.latest.value - first.status.latest.value;
  }
  ASSIGN_OR_RETURN(update.allowed, DisruptionsAllowed(paw, deadline));
  update.stuck = log.rollout();
  return absl::OkStatus();
}

// The second: back to the template of `revision`.
absl::Status RollBack(Deployment& paw, const kube::StatefulSet& set, const std::string& revision,
                      Millis within, StuckUpdate& update, const Deadline& deadline) {
  kube::Client& client = paw.kube();
  ASSIGN_OR_RETURN(const kube::Object stored,
                   client.Get({kube::kControllerRevisions, set.ns(), revision}, deadline));
  const kube::Json* data = kube::FindField(stored.json(), {"data"});
  if (data == nullptr) {
    return absl::DataLossError(fmt::format("ControllerRevision {} has no data", revision));
  }
  ASSIGN_OR_RETURN(const Watch watch, WatchPods(paw, set, deadline));
  ASSIGN_OR_RETURN(const WorkloadState state, paw.Read(paw.profile().validators, deadline));
  ASSIGN_OR_RETURN(update.rolled_back, LatestHeight(paw, state, deadline));
  RolloutLog log(watch.at_first, revision, static_cast<int>(set.replicas().value_or(1)),
                 std::chrono::steady_clock::now());
  RETURN_IF_ERROR(
      client.Patch(ValidatorsRef(paw.profile()), kube::PatchType::kStrategic, *data, deadline)
          .status());
  for (const kube::Pod& pod : state.pods) {
    if (pod.revision() == revision) continue;
    const absl::Status deleted =
        client.Delete({kube::kPods, pod.ns(), pod.name()}, deadline, {.uid = pod.uid()});
    if (!deleted.ok() && !absl::IsNotFound(deleted)) return Annotate(deleted, "the stuck pod");
  }
  RETURN_IF_ERROR(Follow(
      *watch.pods, log, [](const Rollout& rollout) { return rollout.complete.has_value(); },
      deadline.AtMost(within)));
  update.restored = log.rollout();
  ASSIGN_OR_RETURN(const WorkloadState now, paw.Read(paw.profile().validators, deadline));
  ASSIGN_OR_RETURN(update.regained, LatestHeight(paw, now, deadline));
  return absl::OkStatus();
}

json ImagesToJson(const std::map<std::string, PodImage>& images) {
  json to = json::object();
  for (const auto& [pod, image] : images) to[pod] = {image.revision, image.image_id};
  return to;
}

std::map<std::string, PodImage> ImagesFromJson(const json& from) {
  std::map<std::string, PodImage> images;
  for (const auto& [pod, image] : from.items()) images[pod] = {image.at(0), image.at(1)};
  return images;
}

}  // namespace

std::string WhyNotAsBefore(const std::map<std::string, PodImage>& before,
                           const std::map<std::string, PodImage>& now) {
  if (before.empty()) return "there was no pod before";
  for (const auto& [pod, was] : before) {
    const auto found = now.find(pod);
    if (found == now.end()) return pod + " is not there";
    const PodImage& is = found->second;
    if (is.revision != was.revision) {
      return fmt::format("{} is of revision {}, not {}", pod, is.revision, was.revision);
    }
    if (is.image_id != was.image_id) {
      return fmt::format("{} runs image {}, not {}", pod, is.image_id, was.image_id);
    }
  }
  for (const auto& [pod, is] : now) {
    if (!before.contains(pod)) return pod + " is new";
  }
  return "";
}

json RollingUpdate::ToJson() const {
  json gaps = json::array();
  for (const Millis gap : block_gaps) gaps.push_back(gap.count());
  return {{"rollout", rollout.ToJson()}, {"told_by", told_by}, {"gaps", gaps}};
}

RollingUpdate RollingUpdate::FromJson(const json& from) {
  RollingUpdate update{.rollout = Rollout::FromJson(from.at("rollout")),
                       .told_by = from.at("told_by")};
  for (const json& gap : from.at("gaps")) update.block_gaps.emplace_back(gap.get<std::int64_t>());
  return update;
}

json StuckUpdate::ToJson() const {
  return {{"stuck", stuck.ToJson()},
          {"asked", evictions.asked},
          {"refused", evictions.refused},
          {"other_answers", evictions.others},
          {"spare", spare},
          {"allowed", allowed},
          {"blocks", blocks},
          {"before", ImagesToJson(before)},
          {"meanwhile", ImagesToJson(meanwhile)},
          {"after", ImagesToJson(after)},
          {"restored", restored.ToJson()},
          {"revision_before", revision_before},
          {"current_revision", current_revision},
          {"update_revision", update_revision},
          {"rolled_back", rolled_back.value},
          {"regained", regained.value}};
}

StuckUpdate StuckUpdate::FromJson(const json& from) {
  return {.stuck = Rollout::FromJson(from.at("stuck")),
          .evictions = {.asked = from.at("asked"),
                        .refused = from.at("refused"),
                        .others = from.at("other_answers")},
          .spare = from.at("spare"),
          .allowed = from.at("allowed"),
          .blocks = from.at("blocks"),
          .before = ImagesFromJson(from.at("before")),
          .meanwhile = ImagesFromJson(from.at("meanwhile")),
          .after = ImagesFromJson(from.at("after")),
          .restored = Rollout::FromJson(from.at("restored")),
          .revision_before = from.at("revision_before"),
          .current_revision = from.at("current_revision"),
          .update_revision = from.at("update_revision"),
          .rolled_back = {from.at("rolled_back")},
          .regained = {from.at("regained")}};
}

absl::StatusOr<RollingUpdate> RollOutAnnotation(Deployment& paw, fault::Faults& faults,
                                                agent::Agent* agents, Millis within,
                                                const Deadline& deadline) {
  ASSIGN_OR_RETURN(const WorkloadState before, paw.Read(paw.profile().validators, deadline));
  if (before.pods.empty()) return absl::FailedPreconditionError("there is no validator pod");
  if (agents != nullptr) {
    // So that asking is a matter of milliseconds later.
    for (const kube::Pod& pod : before.pods) {
      RETURN_IF_ERROR(agents->For(pod, deadline).status());
    }
  }
  ASSIGN_OR_RETURN(const PodNode first, paw.NodeOf(before.pods.front(), deadline));
  ASSIGN_OR_RETURN(const kube::StatefulSet set, ReadSet(paw, deadline));
  ASSIGN_OR_RETURN(const Watch watch, WatchPods(paw, set, deadline));
  const auto began = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(
      fault::Fault edit,
      faults.Edit(
          ValidatorsRef(paw.profile()),
          {{"spec",
            {{"template",
              {{"metadata", {{"annotations", {{kAnnotation, std::to_string(WallMillis())}}}}}}}}}},
          "change an annotation of the template", deadline, {.hold = within + kMargin}));
  ASSIGN_OR_RETURN(const kube::StatefulSet asked, ReadSet(paw, deadline));

  absl::Status unheard;
  RolloutLog log(watch.at_first, asked.update_revision().value_or(""), before.replicas, began,
                 agents != nullptr ? AskForerunner(paw.profile(), *agents, deadline, unheard)
                                   : RolloutLog::OnDeletion());
  RETURN_IF_ERROR(Follow(
      *watch.pods, log, [](const Rollout& rollout) { return rollout.complete.has_value(); },
      deadline.AtMost(within)));
  // Blocks stay: whoever is there at the end has those of the whole time.
  ASSIGN_OR_RETURN(const WorkloadState after, paw.Read(paw.profile().validators, deadline));
  const Deadline soon = deadline.AtMost(paw.profile().thresholds.pod_ready);
  ASSIGN_OR_RETURN(const BlockRange blocks, AskAny(paw, after.pods, first.status.latest, soon));
  RETURN_IF_ERROR(edit.Revert());
  RETURN_IF_ERROR(unheard);
  return RollingUpdate{
      .rollout = log.rollout(), .told_by = blocks.told_by, .block_gaps = blocks.Gaps()};
}

absl::StatusOr<StuckUpdate> RollOutAbsentImage(Deployment& paw, fault::Faults& faults, int blocks,
                                               Millis within, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::StatefulSet set, ReadSet(paw, deadline));
  ASSIGN_OR_RETURN(const WorkloadState state, paw.Read(paw.profile().validators, deadline));
  if (state.pods.empty()) return absl::FailedPreconditionError("there is no validator pod");
  ASSIGN_OR_RETURN(const kube::Json patch, AbsentImage(set, paw.profile().validators.container));
  ASSIGN_OR_RETURN(const std::vector<kube::Pod> spare, SpareValidators(paw, deadline));
  StuckUpdate update{.spare = std::ssize(spare) - 1,
                     .revision_before = set.current_revision().value_or("")};
  ASSIGN_OR_RETURN(update.before, ReadImages(paw, deadline));
  ASSIGN_OR_RETURN(fault::Fault edit,
                   faults.Edit(ValidatorsRef(paw.profile()), patch, "ask for an absent image",
                               deadline, {.hold = within * 2 + kMargin}, {state.pods.back()}));
  RETURN_IF_ERROR(StayStuck(paw, set, blocks, within, update, deadline));
  ASSIGN_OR_RETURN(update.meanwhile, ReadImages(paw, deadline));
  RETURN_IF_ERROR(RollBack(paw, set, update.revision_before, within, update, deadline));
  RETURN_IF_ERROR(edit.Revert());
  ASSIGN_OR_RETURN(update.after, ReadImages(paw, deadline));
  ASSIGN_OR_RETURN(const kube::StatefulSet after, ReadSet(paw, deadline));
  update.current_revision = after.current_revision().value_or("");
  update.update_revision = after.update_revision().value_or("");
  return update;
}

}  // namespace pawk8s
