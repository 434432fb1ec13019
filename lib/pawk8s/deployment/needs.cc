#include "pawk8s/deployment/needs.h"

#include <fmt/format.h>

#include "pawk8s/base/status.h"
#include "pawk8s/deployment/session.h"
#include "pawk8s/verdict/run.h"

namespace pawk8s {
namespace {

std::string PresentOr(const absl::Status& status) {
  return status.ok() ? std::string(kPresent) : std::string(MessageOf(status));
}

std::string Dns(Deployment& paw, const Deadline& deadline) {
  const auto& dns = paw.profile().dns;
  const auto slices =
      paw.kube().List({.resource = kube::kEndpointSlices,
                       .ns = dns.ns,
                       .label_selector = "kubernetes.io/service-name=" + dns.service},
                      deadline);
  if (!slices.ok()) return PresentOr(slices.status());
  for (const auto& slice : kube::As<kube::EndpointSlice>(slices->items)) {
    for (const auto& endpoint : slice.endpoints()) {
      if (endpoint.ready) return std::string(kPresent);
    }
  }
  return fmt::format("Service {}/{} has no ready endpoint: correct dns.* in {}", dns.ns,
                     dns.service, paw.profile().file);
}

std::string Expansion(Deployment& paw, const Deadline& deadline) {
  const std::string& name = paw.profile().storage.storage_class;
  if (name.empty()) return "deployment.storage.class is not in " + paw.profile().file;
  const auto found = paw.kube().Get({kube::kStorageClasses, "", name}, deadline);
  if (!found.ok()) return PresentOr(found.status());
  if (kube::FindBool(found->json(), {"allowVolumeExpansion"}) == true) return std::string(kPresent);
  return fmt::format("StorageClass {} does not allow expansion", name);
}

std::string Agent(Deployment& paw, const Deadline& deadline) {
  if (!paw.profile().allow.agent) return "the profile does not allow it (allow.agent)";
  return PresentOr(agent::Agent(paw.kube(), AgentOptions(paw.profile(), "")).CheckRights(deadline));
}

}  // namespace

std::map<std::string, std::string> ProbeNeeds(Deployment& paw, const Deadline& deadline) {
  const Profile& profile = paw.profile();
  std::map<std::string, std::string> needs;
  for (const auto& [need, ref] :
       {std::pair{"validators", profile.validators}, std::pair{"nodes", profile.nodes},
        std::pair{"api", profile.api}}) {
    needs[need] = PresentOr(paw.Read(ref, deadline).status());
  }
  needs["dns"] = Dns(paw, deadline);
  needs["agent"] = Agent(paw, deadline);
  needs["expansion"] = Expansion(paw, deadline);
  for (const std::string& need : profile.not_provided) {
    needs[need] = fmt::format("{}, as {} declares", kNotProvided, profile.file);
  }
  return needs;
}

}  // namespace pawk8s
