// What steps work on: the deployment, and the ways into it.
#pragma once

#include <stop_token>
#include <type_traits>
#include <utility>

#include "pawk8s/deployment/deployment.h"
#include "pawk8s/wait/until.h"
#include "prove/agent_verbs.h"
#include "prove/kinds.h"
#include "prove/testbed.h"

namespace pawk8s::prove {

struct Site {
  Deployment& paw;
  Kinds kinds;
  Testbed testbed;
  std::stop_token stop = {};    // of planting and running; lifting goes on
  AgentVerbs* agent = nullptr;  // not owned

  static constexpr std::chrono::seconds kRequest{10};
  [[nodiscard]] static Deadline Soon() { return Deadline::After(kRequest); }
};

// A read (of a Deadline, one attempt), again while the API server does not answer: what took
// minutes to plant must not be thrown away for one slow answer.
template <class Read>
auto Patiently(Read&& read) -> std::invoke_result_t<Read&, const Deadline&> {
  auto report = Until(Deadline::After(std::chrono::minutes(1)), Every(Millis{500}),
                      std::forward<Read>(read), [](const auto&) { return true; });
  if (report.status.ok()) return *std::move(report.last);
  return report.last_error.ok() ? report.status : report.last_error;
}

}  // namespace pawk8s::prove
