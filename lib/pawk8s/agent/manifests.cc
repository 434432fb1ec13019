// What the agent may do on a node, and why:
//
//   hostPID                     it acts on the processes of other pods, found by their cgroups
//   hostNetwork                 it needs no address: nothing listens, and a pod network that is
//   down
//                               or closed by policies does not keep it from starting
//   /sys/fs/cgroup, writable    limits and counters of containers
//   /run/pawk8s-agent           what it has to revert, so that a new agent finds it
//
//   SYS_ADMIN, SYS_CHROOT       enter network namespaces (setns)
//   SYS_PTRACE                  read /proc/PID of other users: root, exe, open files, namespaces
//   NET_ADMIN, NET_RAW          packet filters in a pod's namespace; count packets
//   KILL                        signals to the processes of other users
//   DAC_OVERRIDE                files that belong to a container's user
//
// Not privileged: no devices, the default seccomp profile, its own filesystem read-only. It has no
// right in the cluster, and its account's token is not mounted.
#include <fmt/format.h>

#include "pawk8s/agent/daemon_set.h"

namespace pawk8s::agent {
namespace {

constexpr const char* kName = "pawk8s-agent";

Json Labels(const Options& options) {
  return {{"app.kubernetes.io/name", kName},
          {"app.kubernetes.io/managed-by", "pawk8s"},
          {"pawk8s.dev/run", options.run_id}};
}

Json Container(const Options& options) {
  // A tag may be moved, a digest cannot: only then is the node's own copy as good.
  const bool pinned = options.image.find("@sha256:") != std::string::npos;
  return {{"name", kContainer},
          {"image", options.image},
          {"imagePullPolicy", pinned ? "IfNotPresent" : "Always"},
          {"args", {"serve"}},
          {"terminationMessagePolicy", "FallbackToLogsOnError"},
          {"resources",
           {{"requests", {{"cpu", "10m"}, {"memory", "16Mi"}}}, {"limits", {{"memory", "128Mi"}}}}},
          {"securityContext",
           {{"runAsUser", 0},
            {"runAsNonRoot", false},
            {"readOnlyRootFilesystem", true},
            {"allowPrivilegeEscalation", true},  // implied by SYS_ADMIN
            {"seccompProfile", {{"type", "RuntimeDefault"}}},
            {"appArmorProfile", {{"type", "Unconfined"}}},
            {"capabilities",
             {{"drop", {"ALL"}},
              {"add",
               {"SYS_ADMIN", "SYS_CHROOT", "SYS_PTRACE", "NET_ADMIN", "NET_RAW", "KILL",
                "DAC_OVERRIDE"}}}}}},
          {"volumeMounts",
           {{{"name", "cgroup"}, {"mountPath", "/host/cgroup"}},
            {{"name", "state"}, {"mountPath", "/state"}},
            {{"name", "run"}, {"mountPath", "/run/pawk8s-agent"}}}}};
}

Json PodSpec(const Options& options) {
  Json spec = {
      {"serviceAccountName", kName},
      {"automountServiceAccountToken", false},
      {"enableServiceLinks", false},
      {"hostPID", true},
      {"hostNetwork", true},
      // Wherever a workload may be: the control plane, cordoned and failing nodes.
      {"tolerations", {{{"operator", "Exists"}}}},
      {"terminationGracePeriodSeconds", 20},
      {"nodeSelector", {{"kubernetes.io/os", "linux"}}},
      {"containers", {Container(options)}},
      {"volumes",
       {{{"name", "cgroup"}, {"hostPath", {{"path", "/sys/fs/cgroup"}, {"type", "Directory"}}}},
        {{"name", "state"},
         {"hostPath", {{"path", "/run/pawk8s-agent"}, {"type", "DirectoryOrCreate"}}}},
        {{"name", "run"}, {"emptyDir", {{"medium", "Memory"}, {"sizeLimit", "1Mi"}}}}}}};
  if (!options.pull_secret.empty()) {
    spec["imagePullSecrets"] = Json::array({{{"name", options.pull_secret}}});
  }
  return spec;
}

}  // namespace

std::vector<Json> Manifests(const Options& options) {
  Json ns = {{"apiVersion", "v1"},
             {"kind", "Namespace"},
             {"metadata", {{"name", options.ns}, {"labels", Labels(options)}}}};
  for (const char* mode : {"enforce", "audit", "warn"}) {
    ns["metadata"]["labels"][fmt::format("pod-security.kubernetes.io/{}", mode)] = "privileged";
  }
  const Json metadata = {{"name", kName}, {"namespace", options.ns}, {"labels", Labels(options)}};
  const Json account = {{"apiVersion", "v1"},
                        {"kind", "ServiceAccount"},
                        {"metadata", metadata},
                        {"automountServiceAccountToken", false}};
  // The pods do not carry the run's label: another run of the same image keeps them as they are.
  const Json selected = {{"app.kubernetes.io/name", kName}};
  const Json daemon_set = {
      {"apiVersion", "apps/v1"},
      {"kind", "DaemonSet"},
      {"metadata", metadata},
      {"spec",
       {{"selector", {{"matchLabels", selected}}},
        {"updateStrategy",
         {{"type", "RollingUpdate"}, {"rollingUpdate", {{"maxUnavailable", "100%"}}}}},
        {"template", {{"metadata", {{"labels", selected}}}, {"spec", PodSpec(options)}}}}}};
  return {ns, account, daemon_set};
}

}  // namespace pawk8s::agent
