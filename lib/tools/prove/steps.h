// The steps of which a defect is planted and lifted: what each is called and what it takes.
//
//   patch:     {object, type: json|merge|strategic, body}
//   apply:     {manifest}                 server-side apply, taking over fields
//   create:    {manifest}
//   delete:    {object, [propagation: foreground|background|orphan], [grace: seconds]}
//   replace:   {object, body, [type: merge|json], [propagation]}   delete, create again changed
//   scale:     {object, replicas}
//   keep:      {object}                   puts it back as it is now, whatever the red run does to
//   it label:     {object, labels}           null removes one annotate:  {object, annotations}
//   exec:      {pod, container, argv, [check: argv], [within]}     needs lift steps
//   chain:     {pod, container, file: config.toml|app.toml|genesis.json, set, [home], [within]}
//   component: {file, component, edits: [{from, to}]}   through the profile's testbed.command
//   registry:  {image, tag, from}                       likewise: `tag` then means what `from` does
//   gov:       {module, changes, [may_miss], [message], [pod, container], [secret], [within]}
//              may_miss (slashing): a window and a share of it such that a validator is jailed
//              which misses more than so many further blocks
//   vault:     {path, [data]}
//   agent:     {pod, container, verb, [arguments], [hold]}
//   wait:      {for: rollout|observed|ready|gone, object, [within]}
//              {for: condition, object, path, equals, [within]}
//              {for: blocks, [count], [within]}
//   pause:     {for}
//
// An object is "Kind namespace/name", or "Kind name" if its kind has no namespaces;
// "Kind.group namespace/name" where two groups have such a kind. A pod is "namespace/name". As the
// names of volumes are made up, "PersistentVolume namespace/claim" is the one of that claim.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"

namespace pawk8s::prove {

struct Step {
  std::string kind;     // "patch"
  nlohmann::json args;  // checked: what is required is there, and of its type
  int line = 0;

  [[nodiscard]] std::string Text(const char* key, const std::string& otherwise = "") const;
  [[nodiscard]] Millis Duration(const char* key, Millis otherwise) const;
  [[nodiscard]] Millis Within() const { return Duration("within", Millis{120'000}); }
  // "patch StatefulSet paw/paw-validator", for messages.
  [[nodiscard]] std::string ToString() const;
};

// "Kind[.group] [ns/]name"
struct ObjectName {
  std::string kind;
  std::string group;  // empty: any
  std::string ns;
  std::string name;
};
[[nodiscard]] absl::StatusOr<ObjectName> ParseObjectName(std::string_view text);
// "namespace/pod" in its two parts.
[[nodiscard]] std::pair<std::string, std::string> SplitPodName(std::string_view text);

// What is wrong with a step, and the argument that is at fault (empty: the step itself).
struct StepProblem {
  std::string key;
  std::string what;
};
[[nodiscard]] std::optional<StepProblem> CheckStep(const std::string& kind,
                                                   const nlohmann::json& args);

// True for what can be undone without being told how.
[[nodiscard]] bool LiftsByItself(const Step& step);

}  // namespace pawk8s::prove
