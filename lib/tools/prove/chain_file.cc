#include "prove/chain_file.h"

#include <fmt/format.h>

#include <sstream>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/kube/exec.h"
#include "pawk8s/kube/objects.h"
#include "pawk8s/wait/until.h"

namespace pawk8s::prove {
namespace {

using nlohmann::json;

absl::Status SetToml(std::string& text, const std::string& key, const json& value) {
  const auto dot = key.rfind('.');
  const std::string table = dot == std::string::npos ? "" : key.substr(0, dot);
  const std::string name = dot == std::string::npos ? key : key.substr(dot + 1);
  std::istringstream lines(text);
  std::string edited;
  std::string current;
  bool found = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('[')) current = line.substr(1, line.find(']') - 1);
    if (!found && current == table && line.starts_with(name) &&
        line.find_first_not_of(' ', name.size()) == line.find('=', name.size())) {
      line = fmt::format("{} = {}", name, value.dump());
      found = true;
    }
    edited += line + "\n";
  }
  if (!found) return absl::InvalidArgumentError("the file has no setting " + key);
  text = std::move(edited);
  return absl::OkStatus();
}

absl::Status SetJson(json& document, const std::string& pointer, const json& value) {
  try {
    const json::json_pointer at(pointer);
    if (document.contains(at)) {
      document[at] = value;
      return absl::OkStatus();
    }
  } catch (const json::exception&) {
  }
  return absl::InvalidArgumentError("the file has nothing at " + pointer);
}

absl::StatusOr<std::string> Run(Site& site, const PodFile& in, std::vector<std::string> argv,
                                std::optional<std::string> input, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::ExecResult ran, kube::Exec(site.paw.kube(),
                                                          {.ns = in.ns,
                                                           .pod = in.pod,
                                                           .container = in.container,
                                                           .argv = std::move(argv),
                                                           .input = std::move(input)},
                                                          deadline));
  if (ran.exit_code == 0) return ran.out;
  return absl::UnavailableError(
      fmt::format("{} in {}/{}: exit code {}: {}", in.path, in.ns, in.pod, ran.exit_code, ran.err));
}

absl::StatusOr<kube::ContainerStatus> StatusOf(Site& site, const PodFile& file,
                                               const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::Object object,
                   site.paw.kube().Get({kube::kPods, file.ns, file.pod}, deadline));
  const auto status = kube::Pod(object).container_status(file.container);
  if (status) return *status;
  return absl::UnavailableError(
      fmt::format("pod {}/{} has no container {}", file.ns, file.pod, file.container));
}

}  // namespace

absl::StatusOr<std::string> EditChainFile(const std::string& file, const std::string& text,
                                          const json& set) {
  if (!file.ends_with(".json")) {
    std::string edited = text;
    for (const auto& [key, value] : set.items()) {
      RETURN_IF_ERROR(Annotate(SetToml(edited, key, value), file));
    }
    return edited;
  }
  json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return absl::DataLossError(file + " is no JSON");
  for (const auto& [key, value] : set.items()) {
    RETURN_IF_ERROR(Annotate(SetJson(document, key, value), file));
  }
  return document.dump(1);
}

absl::StatusOr<std::string> ReadPodFile(Site& site, const PodFile& file, const Deadline& deadline) {
  return Run(site, file, {"cat", file.path}, std::nullopt, deadline);
}

absl::Status WritePodFile(Site& site, const PodFile& file, const std::string& text,
                          const Deadline& deadline) {
  // Renamed into place: a program that starts meanwhile reads the old or the new file.
  return Run(site, file, {"sh", "-c", R"(cat >"$0.pawk8s" && mv "$0.pawk8s" "$0")", file.path},
             text, deadline)
      .status();
}

absl::Status RestartContainer(Site& site, const PodFile& file, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::ContainerStatus before, StatusOf(site, file, deadline));
  IgnoreError(Run(site, file, {"sh", "-c", "kill 1"}, std::nullopt, deadline).status(),
              "the connection may end with the process: the restart count says what happened");
  const auto report = Until(
      deadline, Every(Millis{300}), [&](const Deadline& d) { return StatusOf(site, file, d); },
      [&](const kube::ContainerStatus& now) {
        return now.restart_count > before.restart_count && now.state == "running";
      });
  return Annotate(report.status, fmt::format("waiting for the restart of {} in {}/{}",
                                             file.container, file.ns, file.pod));
}

}  // namespace pawk8s::prove
