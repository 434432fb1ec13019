#include "pawk8s/deployment/rollout.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "pawk8s/base/duration.h"
#include "pawk8s/base/status.h"

namespace pawk8s {
namespace {

using nlohmann::json;

json OrNull(const std::optional<Millis>& value) {
  return value ? json(value->count()) : json(nullptr);
}

std::optional<Millis> MillisOf(const json& value) {
  if (value.is_null()) return std::nullopt;
  return Millis{value.get<std::int64_t>()};
}

}  // namespace

std::string Rollout::ToString() const {
  return fmt::format(
      "rollout of revision {}: {} of {} pods replaced, complete after {}, fewest Ready {}", to,
      turns.size(), replicas, InSeconds(complete), fewest_ready);
}

json Rollout::ToJson() const {
  json all = {{"to", to},
              {"replicas", replicas},
              {"fewest_ready", fewest_ready},
              {"complete", OrNull(complete)},
              {"turns", json::array()}};
  for (const PodTurn& turn : turns) {
    json one = {{"pod", turn.pod},
                {"ordinal", turn.ordinal},
                {"old_uid", turn.old_uid},
                {"old_revision", turn.old_revision},
                {"uid", turn.uid},
                {"revision", turn.revision},
                {"node", turn.node},
                {"deleted", turn.deleted.count()},
                {"created", OrNull(turn.created)},
                {"ready", OrNull(turn.ready)}};
    if (turn.forerunner) {
      one["forerunner"] = {{"pod", turn.forerunner->pod},
                           {"revision", turn.forerunner->revision},
                           {"ready", turn.forerunner->ready},
                           {"answered", turn.forerunner->answered}};
    }
    all["turns"].push_back(std::move(one));
  }
  return all;
}

Rollout Rollout::FromJson(const json& from) {
  Rollout rollout{.to = from.at("to"),
                  .replicas = from.at("replicas"),
                  .fewest_ready = from.at("fewest_ready"),
                  .complete = MillisOf(from.at("complete"))};
  for (const json& one : from.at("turns")) {
    PodTurn turn{.pod = one.at("pod"),
                 .ordinal = one.at("ordinal"),
                 .old_uid = one.at("old_uid"),
                 .old_revision = one.at("old_revision"),
                 .uid = one.at("uid"),
                 .revision = one.at("revision"),
                 .node = one.at("node"),
                 .deleted = Millis{one.at("deleted").get<std::int64_t>()},
                 .created = MillisOf(one.at("created")),
                 .ready = MillisOf(one.at("ready"))};
    if (const auto before = one.find("forerunner"); before != one.end()) {
      turn.forerunner = {.pod = before->at("pod"),
                         .revision = before->at("revision"),
                         .ready = before->at("ready"),
                         .answered = before->at("answered")};
    }
    rollout.turns.push_back(std::move(turn));
  }
  return rollout;
}

RolloutLog::RolloutLog(const std::vector<kube::Object>& pods, std::string to, int replicas,
                       SteadyTime began, OnDeletion on_deletion)
    : on_deletion_(std::move(on_deletion)),
      rollout_{
          .began = began, .to = std::move(to), .replicas = replicas, .fewest_ready = replicas} {
  for (const kube::Object& pod : pods) pods_.emplace(pod.name(), kube::Pod(pod));
  Note(Millis{0});
}

void RolloutLog::Take(const kube::Change& change) {
  const Millis at = std::chrono::duration_cast<Millis>(change.at - rollout_.began);
  const kube::Pod pod(change.object);
  const auto known = pods_.find(pod.name());
  if (change.type == kube::Change::Type::kDeleted) {
    if (known != pods_.end() && known->second.uid() == pod.uid()) {
      Leave(pod, at);
      pods_.erase(pod.name());
    }
    return Note(at);
  }
  // A watch that was interrupted may show the successor without the end of the one before.
  if (known != pods_.end() && known->second.uid() != pod.uid()) Leave(known->second, at);
  if (pod.deletion_time()) Leave(pod, at);
  pods_.insert_or_assign(pod.name(), pod);
  for (PodTurn& turn : rollout_.turns) {
    if (turn.pod != pod.name() || turn.old_uid == pod.uid()) continue;
    if (turn.uid.empty()) {
      turn.uid = pod.uid();
      turn.created = at;
    }
    if (turn.uid != pod.uid()) continue;
    turn.revision = pod.revision().value_or("");
    turn.node = pod.node().value_or("");
    if (!turn.ready && pod.IsReady()) turn.ready = at;
  }
  Note(at);
}

absl::Status RolloutLog::Take(const kube::Informer::Timeline& timeline) {
  if (timeline.dropped > 0) return absl::DataLossError("the watch saw more changes than it keeps");
  for (; taken_ < timeline.changes.size(); ++taken_) Take(timeline.changes[taken_]);
  return absl::OkStatus();
}

void RolloutLog::Leave(const kube::Pod& pod, Millis at) {
  for (const PodTurn& turn : rollout_.turns) {
    if (turn.old_uid == pod.uid()) return;
  }
  PodTurn turn{.pod = pod.name(),
               .ordinal = pod.ordinal().value_or(-1),
               .old_uid = pod.uid(),
               .old_revision = pod.revision().value_or(""),
               .deleted = at};
  if (!rollout_.turns.empty()) {
    const auto before = pods_.find(rollout_.turns.back().pod);
    if (before == pods_.end()) {
      turn.forerunner = {.pod = rollout_.turns.back().pod};
    } else {
      turn.forerunner = {.pod = before->first,
                         .revision = before->second.revision().value_or(""),
                         .ready = before->second.IsReady()};
      if (on_deletion_) on_deletion_(turn, before->second);
    }
  }
  rollout_.turns.push_back(std::move(turn));
}

void RolloutLog::Note(Millis at) {
  int ready = 0;
  int complete = 0;
  for (const auto& [name, pod] : pods_) {
    if (!pod.IsReady()) continue;
    ++ready;
    if (pod.revision() == rollout_.to) ++complete;
  }
  rollout_.fewest_ready = std::min(rollout_.fewest_ready, ready);
  if (!rollout_.complete && complete == rollout_.replicas &&
      std::cmp_equal(pods_.size(), rollout_.replicas)) {
    rollout_.complete = at;
  }
}

absl::Status Follow(const kube::Informer& pods, RolloutLog& log,
                    const std::function<bool(const Rollout&)>& done, const Deadline& deadline) {
  while (true) {
    const std::uint64_t version = pods.Get().version;
    RETURN_IF_ERROR(log.Take(pods.Changes()));
    if (done(log.rollout())) return absl::OkStatus();
    const absl::Status changed = pods.AwaitChange(version, deadline);
    if (absl::IsDeadlineExceeded(changed)) return pods.Confirm(deadline);
    if (!changed.ok()) return Annotate(changed, "following the pods");
  }
}

}  // namespace pawk8s
