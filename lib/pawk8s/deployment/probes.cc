#include "pawk8s/deployment/probes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/kube/exec.h"

namespace pawk8s {
namespace {

using kube::Probe;

constexpr std::string_view kFamily = "prober_probe_total{";

std::string HowItEnded(agent::Outcome outcome) {
  for (const auto& [value, name] : agent::EnumNames<agent::Outcome>::kAll) {
    if (value == outcome) return std::string(name);
  }
  return "unknown";
}

// Why a kubelet would not be content; empty if it would.
absl::StatusOr<std::string> RunOverHttp(agent::Agent& agents, const kube::Pod& pod,
                                        const Probe& probe, const Deadline& deadline) {
  if (probe.scheme != "HTTP") {
    return absl::UnimplementedError("a probe over " + probe.scheme + " cannot be run from here");
  }
  ASSIGN_OR_RETURN(const agent::NodeAgent node, agents.For(pod, deadline));
  ASSIGN_OR_RETURN(const agent::HttpSeries series,
                   node.Call(agent::HttpRequest{.address = pod.ip().value_or(""),
                                                .port = probe.port,
                                                .path = probe.path,
                                                .timeout_ms = Millis(probe.timeout).count(),
                                                .max_body = 0},
                             deadline));
  if (series.replies.size() != 1) return absl::DataLossError("no reply of " + pod.name());
  const agent::HttpReply& reply = series.replies.front();
  if (reply.status == 0) return "no reply: " + HowItEnded(reply.outcome);
  return reply.status >= 200 && reply.status < 400 ? "" : fmt::format("status {}", reply.status);
}

absl::StatusOr<std::string> RunOverTcp(agent::Agent& agents, const kube::Pod& pod,
                                       const Probe& probe, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const agent::NodeAgent node, agents.For(pod, deadline));
  ASSIGN_OR_RETURN(const agent::DialResult result,
                   node.Call(agent::DialRequest{.address = pod.ip().value_or(""),
                                                .port = probe.port,
                                                .timeout_ms = Millis(probe.timeout).count()},
                             deadline));
  return result.outcome == agent::Outcome::kOk ? ""
                                               : "no connection: " + HowItEnded(result.outcome);
}

absl::StatusOr<std::string> RunCommand(Deployment& paw, const kube::Pod& pod,
                                       const std::string& container, const Probe& probe,
                                       const Deadline& deadline) {
  const Deadline own = deadline.AtMost(probe.timeout);
  const auto ran = kube::Exec(
      paw.kube(),
      {.ns = pod.ns(), .pod = pod.name(), .container = container, .argv = probe.command}, own);
  if (absl::IsDeadlineExceeded(ran.status()) && !deadline.Over()) return "not ended in time";
  if (absl::IsFailedPrecondition(ran.status())) return std::string(MessageOf(ran.status()));
  RETURN_IF_ERROR(ran.status());
  return ran->exit_code == 0 ? "" : fmt::format("exit code {}", ran->exit_code);
}

absl::StatusOr<std::string> Run(Deployment& paw, agent::Agent& agents, const kube::Pod& pod,
                                const std::string& container, const Probe& probe,
                                const Deadline& deadline) {
  switch (probe.kind) {
    case Probe::Kind::kHttp:
      return RunOverHttp(agents, pod, probe, deadline);
    case Probe::Kind::kTcp:
      return RunOverTcp(agents, pod, probe, deadline);
    case Probe::Kind::kExec:
      return RunCommand(paw, pod, container, probe, deadline);
    case Probe::Kind::kGrpc:
      break;
  }
  return absl::UnimplementedError("a gRPC probe cannot be run from here");
}

// The value of `label` in `{a="b",c="d"}`; the kubelet escapes nothing in these.
std::string LabelIn(std::string_view labels, std::string_view label) {
  const std::string sought = fmt::format("{}=\"", label);
  for (std::size_t at = labels.find(sought); at != labels.npos; at = labels.find(sought, at + 1)) {
    if (at > 0 && labels[at - 1] != '{' && labels[at - 1] != ',') continue;
    const std::size_t from = at + sought.size();
    return std::string(labels.substr(from, labels.find('"', from) - from));
  }
  return "";
}

}  // namespace

absl::StatusOr<kube::ContainerSpec> SpecOf(const kube::Pod& pod, const std::string& container) {
  const kube::Json* spec = kube::FindField(pod.json(), {"spec"});
  const auto containers =
      spec == nullptr ? std::vector<kube::ContainerSpec>() : kube::ContainersOf(*spec);
  const kube::ContainerSpec* found = kube::FindContainer(containers, container);
  if (found != nullptr) return *found;
  return absl::FailedPreconditionError(
      fmt::format("pod {} has no container {}", pod.name(), container));
}

absl::StatusOr<ProbedContainer> RunProbes(Deployment& paw, agent::Agent& agents,
                                          const kube::Pod& pod, const std::string& container,
                                          const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::ContainerSpec spec, SpecOf(pod, container));
  ProbedContainer probed{.pod = pod.name(), .container = container};
  for (const auto& [name, probe] :
       {std::pair{"startupProbe", &spec.startup}, std::pair{"readinessProbe", &spec.readiness},
        std::pair{"livenessProbe", &spec.liveness}}) {
    if (!*probe) {
      probed.missing.emplace_back(name);
      continue;
    }
    auto failure = Run(paw, agents, pod, container, **probe, deadline);
    if (!failure.ok()) return Annotate(failure.status(), fmt::format("{} of {}", name, pod.name()));
    probed.runs.push_back({.probe = name, .failure = *std::move(failure)});
  }
  return probed;
}

absl::StatusOr<ProbeCounts> ParseProbeCounts(std::string_view metrics) {
  ProbeCounts counts;
  while (!metrics.empty()) {
    const std::string_view line = metrics.substr(0, metrics.find('\n'));
    metrics.remove_prefix(std::min(line.size() + 1, metrics.size()));
    if (!line.starts_with(kFamily)) continue;
    const std::size_t end = line.find("} ");
    double value = 0;
    const char* const stop = line.data() + line.size();
    if (end == line.npos || std::from_chars(line.data() + end + 2, stop, value).ec != std::errc()) {
      return absl::DataLossError(fmt::format("not a sample: {}", line));
    }
    const std::string_view labels = line.substr(kFamily.size() - 1, end + 1);
    ProbeCount& count = counts[{LabelIn(labels, "pod_uid"), LabelIn(labels, "container")}];
    (LabelIn(labels, "result") == "successful" ? count.succeeded : count.failed) +=
        static_cast<std::int64_t>(value);
  }
  return counts;
}

absl::StatusOr<ProbeCounts> ReadProbeCounts(Deployment& paw, const std::set<std::string>& nodes,
                                            const Deadline& deadline) {
  ProbeCounts all;
  for (const std::string& node : nodes) {
    ASSIGN_OR_RETURN(
        const std::string metrics,
        paw.kube().GetRaw(fmt::format("/api/v1/nodes/{}/proxy/metrics/probes", node), deadline));
    auto counts = ParseProbeCounts(metrics);
    if (!counts.ok()) return Annotate(counts.status(), "probe metrics of node " + node);
    all.merge(*counts);
  }
  return all;
}

}  // namespace pawk8s
