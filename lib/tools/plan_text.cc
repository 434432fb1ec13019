#include "plan_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "pawk8s/verdict/run.h"

namespace pawk8s {
namespace {

using nlohmann::json;

constexpr std::size_t kColumns = 100;
constexpr std::array kImpacts = {"read", "write", "disrupt", "node", "load"};

// `text` broken into lines that stand below each other behind `first`.
std::string Hanging(const std::string& first, const std::string& text) {
  const std::string indent(first.size(), ' ');
  std::string out;
  std::string line = first;
  std::istringstream words(text);
  bool fresh = true;
  for (std::string word; words >> word;) {
    if (!fresh && line.size() + 1 + word.size() > kColumns) {
      out += line + "\n";
      line = indent;
      fresh = true;
    }
    line += fresh ? word : " " + word;
    fresh = false;
  }
  return out + line + "\n";
}

std::string Time(int seconds) {
  if (seconds < 100) return fmt::format("{} s", seconds);
  return fmt::format("{} min", (seconds + 30) / 60);
}

// What cases of an impact do to which objects.
std::string Touches(std::string_view impact, const WholePlan& plan) {
  const Profile profile = plan.profile.value_or(Profile());
  const std::string ns = plan.profile ? profile.ns : "the deployment's namespace";
  const std::string validators = plan.profile ? profile.validators.ToString() : "the validators";
  const std::string home = plan.profile ? profile.nodes.ToString() : "the full nodes";
  if (impact == "read") return "nothing is changed; dry runs only";
  if (impact == "write") {
    return fmt::format(
        "own pods, claims and ConfigMaps in {}, removed again; no pod of the "
        "deployment",
        ns);
  }
  if (impact == "disrupt") {
    return fmt::format(
        "one pod at a time of {} is deleted, evicted, frozen or killed, unless the case is about "
        "more: it is also scaled down, to 0 in suite StatefulSet, and rolled out and back",
        validators);
  }
  if (impact == "node") return "a worker is cordoned and drained, then uncordoned";
  return fmt::format("load on {} and the gateway", home);
}

struct Sum {
  int cases = 0;
  int seconds = 0;
};

std::map<std::string, Sum> ByImpact(const WholePlan& plan) {
  std::map<std::string, Sum> sums;
  for (const PlannedCase& c : plan.cases) {
    if (!c.obstacle.empty()) continue;
    ++sums[c.entry.impact].cases;
    sums[c.entry.impact].seconds += c.entry.seconds;
  }
  return sums;
}

Sum Total(const WholePlan& plan) {
  Sum total;
  for (const auto& [impact, sum] : ByImpact(plan)) {
    total.cases += sum.cases;
    total.seconds += sum.seconds;
  }
  return total;
}

std::string CasesText(const WholePlan& plan) {
  std::string text = fmt::format("{:<12} {:<8} {:>6}  {}\n", "case", "impact", "about", "what");
  for (const PlannedCase& c : plan.cases) {
    text += fmt::format("{:<12} {:<8} {:>6}  {}\n", c.entry.id, c.entry.impact,
                        Time(c.entry.seconds), c.entry.TestName());
    if (!c.obstacle.empty()) text += Hanging(std::string(30, ' ') + "not run, ", c.obstacle);
  }
  return text;
}

std::string NeedsText(const WholePlan& plan) {
  std::map<std::string, int> uses;
  for (const PlannedCase& c : plan.cases) {
    for (const std::string& need : c.entry.needs) ++uses[need];
  }
  std::string text = "needs\n";
  for (const auto& [need, count] : uses) {
    const auto found = plan.needs.find(need);
    const std::string state = found != plan.needs.end() ? found->second
                              : plan.not_asked.empty()  ? "not probed"
                                                        : "unknown";
    text += Hanging(fmt::format("  {:<16} {:>3} cases  ", need, count), state);
  }
  return text;
}

std::string RightsText(const WholePlan& plan) {
  std::string text =
      plan.account.empty() ? "rights\n" : fmt::format("rights of {}\n", plan.account);
  for (const PlannedPurpose& p : plan.purposes) {
    std::set<std::string> resources;
    for (const Right& right : Rights()) {
      if (right.purpose != p.purpose) continue;
      const bool changes = std::ranges::any_of(right.verbs, [](const std::string& verb) {
        return verb != "get" && verb != "list" && verb != "watch";
      });
      if (changes) resources.insert(right.resource);
    }
    text += Hanging(fmt::format("  {:<17} ", NameOf(p.purpose)),
                    fmt::format("changes {}", fmt::join(resources, ", ")));
    if (!p.lacks.empty()) {
      text += Hanging(fmt::format("  {:<17} LACKS ", ""),
                      fmt::format("{}; grant it with `pawk8s rbac`", fmt::join(p.lacks, ", ")));
    } else if (plan.not_asked.empty()) {
      text += fmt::format("  {:<17} all of them are there\n", "");
    }
  }
  return text + "  `pawk8s rbac` prints all of them as a manifest\n";
}

}  // namespace

std::string PlanText(const WholePlan& plan) {
  const Sum total = Total(plan);
  std::string text =
      Hanging("plan: ", fmt::format("{} cases, {} of them would run and take about {}, one after "
                                    "another",
                                    plan.cases.size(), total.cases, Time(total.seconds)));
  if (plan.profile) {
    text += fmt::format("profile: {}\n", plan.profile->file);
  }
  if (!plan.not_asked.empty()) {
    text += Hanging("the cluster was not asked: ", plan.not_asked);
    text += Hanging("                           ",
                    "so needs and rights are not known, and obstacles may be missing below");
  }
  text += "\n" + CasesText(plan) + "\nwhat is touched\n";
  const auto sums = ByImpact(plan);
  for (const char* impact : kImpacts) {
    const auto found = sums.find(impact);
    if (found == sums.end()) continue;
    text += Hanging(fmt::format("  {:<8} {:>3} cases {:>7}  ", impact, found->second.cases,
                                Time(found->second.seconds)),
                    Touches(impact, plan));
  }
  return text + "\n" + NeedsText(plan) + "\n" + RightsText(plan);
}

std::string PlanJson(const WholePlan& plan) {
  json cases = json::array();
  for (const PlannedCase& c : plan.cases) {
    cases.push_back({{"id", c.entry.id},
                     {"test", c.entry.TestName()},
                     {"impact", c.entry.impact},
                     {"seconds", c.entry.seconds},
                     {"needs", c.entry.needs},
                     {"runs", c.obstacle.empty()},
                     {"obstacle", c.obstacle}});
  }
  json touched = json::object();
  for (const auto& [impact, sum] : ByImpact(plan)) {
    touched[impact] = {
        {"cases", sum.cases}, {"seconds", sum.seconds}, {"objects", Touches(impact, plan)}};
  }
  json rights = json::object();
  for (const PlannedPurpose& p : plan.purposes) {
    json verbs = json::array();
    for (const Right& right : Rights()) {
      if (right.purpose != p.purpose) continue;
      verbs.push_back({{"group", right.group},
                       {"resource", right.resource},
                       {"verbs", right.verbs},
                       {"namespace", plan.profile ? NamespaceOf(*plan.profile, right.place) : ""},
                       {"why", right.why}});
    }
    rights[std::string(NameOf(p.purpose))] = {{"uses", verbs}, {"lacks", p.lacks}};
  }
  const Sum total = Total(plan);
  const json whole = {{"profile", plan.profile ? plan.profile->file : ""},
                      {"account", plan.account},
                      {"cluster_not_asked", plan.not_asked},
                      {"runs", total.cases},
                      {"seconds", total.seconds},
                      {"cases", cases},
                      {"touched", touched},
                      {"needs", plan.needs},
                      {"rights", rights}};
  return whole.dump(1) + "\n";
}

}  // namespace pawk8s
