// What a watch shows of the validators' StatefulSet while its pods are replaced one after another.
//
// Facts with times, nothing judged.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json_fwd.hpp"
#include "pawk8s/base/deadline.h"
#include "pawk8s/kube/informer.h"
#include "pawk8s/kube/objects.h"

namespace pawk8s {

// The replacement of one pod. Times are since the rollout's beginning; absent: it did not happen.
struct PodTurn {
  std::string pod;
  int ordinal = -1;
  std::string old_uid, old_revision;
  std::string uid, revision;  // of the successor; empty while there is none
  std::string node;           // where the successor was placed
  Millis deleted{0};          // its deletion began
  std::optional<Millis> created, ready;

  // How the successor in the turn before stood when this deletion was seen; empty in the first.
  struct Forerunner {
    std::string pod;
    std::string revision;
    bool ready = false;
    bool answered = false;  // asked at once
  };
  std::optional<Forerunner> forerunner;
};

struct Rollout {
  SteadyTime began;  // of this process's clock: not part of its JSON
  std::string to;    // the revision that the StatefulSet asks for
  int replicas = 0;
  int fewest_ready = 0;            // at any watch event
  std::vector<PodTurn> turns;      // in the order in which the deletions began
  std::optional<Millis> complete;  // every replica Ready, at `to`

  [[nodiscard]] std::string ToString() const;
  [[nodiscard]] nlohmann::json ToJson() const;
  // Throws nlohmann::json::exception when it is of another form.
  [[nodiscard]] static Rollout FromJson(const nlohmann::json& json);
};

// Makes a Rollout of pods as they were and of what the watch then said.
class RolloutLog {
 public:
  // Asked when the deletion of the pod in `turn` was first seen, in time to look at its forerunner.
  using OnDeletion = std::function<void(PodTurn& turn, const kube::Pod& forerunner)>;

  RolloutLog(const std::vector<kube::Object>& pods, std::string to, int replicas, SteadyTime began,
             OnDeletion on_deletion = {});

  void Take(const kube::Change& change);
  // What of it is new since the last time. DataLoss if some of it no longer fits.
  [[nodiscard]] absl::Status Take(const kube::Informer::Timeline& timeline);
  [[nodiscard]] const Rollout& rollout() const { return rollout_; }

 private:
  void Leave(const kube::Pod& pod, Millis at);
  void Note(Millis at);

  std::size_t taken_ = 0;
  OnDeletion on_deletion_;
  Rollout rollout_;
  std::map<std::string, kube::Pod> pods_;  // by name, as last seen
};

// Feeds `log` with what `pods` sees, and saw since the log was last fed, until `done` or the
// deadline, which is no error.
[[nodiscard]] absl::Status Follow(const kube::Informer& pods, RolloutLog& log,
                                  const std::function<bool(const Rollout&)>& done,
                                  const Deadline& deadline);

}  // namespace pawk8s
