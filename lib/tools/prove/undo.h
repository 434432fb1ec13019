// Taking back what a step did, and asking whether it is still there. An undo is data (journal.h),
// so that another process can do it:
//
//   {what: object,    name, ref, before: object|null, after: content|null, [uid]}
//   {what: object,    name, ref, before: object, kept: true}   of a keep step: nothing was planted
//   {what: file,      namespace, pod, container, path, before, after}
//   {what: component, file, component, before, after}
//   {what: tag,       image, tag, before: digest, after: digest}
//   {what: params,    args of the gov step, before, after}
//   {what: agent,     id, args of the agent step, before: null, after: true}
//   {what: check,     namespace, pod, container, argv}      nothing to take back
//
// `after` is absent until the change is done.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "prove/site.h"

namespace pawk8s::prove {

// Empty if what the step did is still in force; else in a few words what is not. A pod that its
// controller made anew is not asked about.
[[nodiscard]] absl::StatusOr<std::string> WhatHealed(Site& site, const nlohmann::json& undo);

// Puts back what was before. For objects: updates, creates or deletes; an object whose immutable
// fields differ is deleted and created again, its pods left running. Idempotent.
[[nodiscard]] absl::Status Undo(Site& site, const nlohmann::json& undo, const Deadline& deadline);

// Deletes an object and returns when it is gone, or another one has its name.
[[nodiscard]] absl::Status DeleteAndAwait(Site& site, const kube::ObjectRef& ref,
                                          const kube::DeleteOptions& options,
                                          const Deadline& deadline);
// Creates what NewFrom() makes of `before`. A claim gets back the volume that it was bound to.
[[nodiscard]] absl::StatusOr<kube::Object> CreateAgain(Site& site, const kube::ObjectRef& ref,
                                                       const nlohmann::json& before,
                                                       const Deadline& deadline);
// The object, or nothing if there is none. One attempt.
[[nodiscard]] absl::StatusOr<std::optional<kube::Object>> Find(Site& site,
                                                               const kube::ObjectRef& ref,
                                                               const Deadline& deadline);

// True if a controller makes it anew when it is gone.
[[nodiscard]] bool HasController(const kube::Object& object);

}  // namespace pawk8s::prove
