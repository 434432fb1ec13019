// record.json, both ways. Fields that hold nothing are left out.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "pawk8s/base/status.h"
#include "pawk8s/verdict/record.h"

namespace pawk8s {
namespace {

using nlohmann::json;

void Put(json& j, const char* key, const std::string& value) {
  if (!value.empty()) j[key] = value;
}
void Put(json& j, const char* key, const std::optional<double>& value) {
  if (value) j[key] = *value;
}
std::optional<double> Time(const json& j, const char* key) {
  return j.contains(key) ? std::optional<double>(j.at(key)) : std::nullopt;
}

json ToJson(const Measure& m) {
  json j = {{"name", m.name}, {"value", m.never ? json(nullptr) : json(m.value)}};
  Put(j, "unit", m.unit);
  if (!m.relation.empty()) {
    j["relation"] = m.relation;
    j["threshold"] = m.threshold;
  }
  Put(j, "margin", m.Margin());  // for other readers: it follows from the rest
  if (m.series) {
    const Series& s = *m.series;
    j["series"] = {{"n", s.n},     {"p50", s.p50}, {"p95", s.p95},
                   {"p99", s.p99}, {"max", s.max}, {"points", s.points}};
  }
  return j;
}

Measure MeasureFrom(const json& j) {
  const json& value = j.at("value");
  Measure m{.name = j.at("name"),
            .value = value.is_null() ? 0 : value.get<double>(),
            .unit = j.value("unit", ""),
            .relation = j.value("relation", ""),
            .threshold = j.value("threshold", 0.0),
            .never = value.is_null()};
  if (j.contains("series")) {
    const json& s = j.at("series");
    m.series = Series{.n = s.at("n"),
                      .p50 = s.at("p50"),
                      .p95 = s.at("p95"),
                      .p99 = s.at("p99"),
                      .max = s.at("max"),
                      .points = s.at("points")};
  }
  return m;
}

json ToJson(const StimulusStep& step) {
  json j = {{"what", step.what}};
  Put(j, "kind", step.kind);
  Put(j, "name", step.name);
  Put(j, "uid", step.uid);
  Put(j, "new_uid", step.new_uid);
  Put(j, "planned", step.planned);
  Put(j, "applied", step.applied);
  Put(j, "seen", step.seen);
  Put(j, "reverted", step.reverted);
  Put(j, "checked", step.checked);
  Put(j, "error", step.error);
  return j;
}

StimulusStep StimulusFrom(const json& j) {
  return {.what = j.at("what"),
          .kind = j.value("kind", ""),
          .name = j.value("name", ""),
          .uid = j.value("uid", ""),
          .new_uid = j.value("new_uid", ""),
          .planned = Time(j, "planned"),
          .applied = Time(j, "applied"),
          .seen = Time(j, "seen"),
          .reverted = Time(j, "reverted"),
          .checked = Time(j, "checked"),
          .error = j.value("error", "")};
}

json ToJson(const Failure& f) {
  json j = {{"summary", f.summary}, {"message", f.message}, {"file", f.file}, {"line", f.line}};
  Put(j, "expected", f.expected);
  Put(j, "actual", f.actual);
  return j;
}

Failure FailureFrom(const json& j) {
  return {.summary = j.at("summary"),
          .expected = j.value("expected", ""),
          .actual = j.value("actual", ""),
          .message = j.at("message"),
          .file = j.at("file"),
          .line = j.at("line")};
}

template <class T>
json ListOf(const std::vector<T>& values) {
  json list = json::array();
  for (const T& value : values) list.push_back(ToJson(value));
  return list;
}

Record FromJson(const json& j, Outcome outcome) {
  Record r{.id = j.at("id"),
           .test = j.at("test"),
           .run = j.at("run"),
           .item = j.value("item", ""),
           .claim = j.value("claim", ""),
           .outcome = outcome,
           .started = j.at("started"),
           .finished = j.at("finished"),
           .seconds = j.at("seconds"),
           .cpu_seconds = j.value("cpu_seconds", 0.0),
           .observations = j.at("observations"),
           .attempts = j.value("attempts", 1),
           .failed_before = j.value("failed_before", ""),
           .last_error = j.value("last_error", ""),
           .before = j.value("before", ""),
           .now = j.value("now", ""),
           .restored = j.at("restored"),
           .planted = j.value("planted", "")};
  for (const json& m : j.at("measures")) r.measures.push_back(MeasureFrom(m));
  for (const json& s : j.value("stimulus", json::array())) r.stimulus.push_back(StimulusFrom(s));
  for (const json& c : j.value("changes", json::array())) {
    r.changes.push_back({.name = c.at("name"), .at = c.at("at"), .text = c.at("text")});
  }
  for (const json& f : j.at("failures")) r.failures.push_back(FailureFrom(f));
  if (j.contains("seeds")) r.seeds = j.at("seeds");
  if (j.contains("evidence")) r.evidence = j.at("evidence");
  return r;
}

}  // namespace

std::string RecordToJson(const Record& r) {
  json changes = json::array();
  for (const ObservedChange& c : r.changes) {
    changes.push_back({{"name", c.name}, {"at", c.at}, {"text", c.text}});
  }
  json j = {{"schema", kRecordSchema},
            {"id", r.id},
            {"test", r.test},
            {"run", r.run},
            {"outcome", NameOf(r.outcome)},
            {"started", r.started},
            {"finished", r.finished},
            {"seconds", r.seconds},
            {"cpu_seconds", r.cpu_seconds},
            {"observations", r.observations},
            {"attempts", r.attempts},
            {"measures", ListOf(r.measures)},
            {"failures", ListOf(r.failures)},
            {"restored", r.restored},
            {"rerun", RerunCommand(r)}};
  Put(j, "item", r.item);
  Put(j, "claim", r.claim);
  Put(j, "failed_before", r.failed_before);
  Put(j, "last_error", r.last_error);
  Put(j, "before", r.before);
  Put(j, "now", r.now);
  Put(j, "planted", r.planted);
  if (!r.stimulus.empty()) j["stimulus"] = ListOf(r.stimulus);
  if (!changes.empty()) j["changes"] = std::move(changes);
  if (!r.seeds.empty()) j["seeds"] = r.seeds;
  if (!r.evidence.empty()) j["evidence"] = r.evidence;
  // Messages carry bytes of the deployment: replace what is not UTF-8 instead of failing on it.
  return j.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

absl::StatusOr<Record> RecordFromJson(std::string_view text) {
  try {
    const json j = json::parse(text);
    const int schema = j.value("schema", 1);
    if (schema != kRecordSchema) {
      return absl::InvalidArgumentError(
          fmt::format("the record is of schema {}, this pawk8s reads schema {}: judge it with the "
                      "version that wrote it, or run the case again",
                      schema, kRecordSchema));
    }
    const auto name = j.at("outcome").get<std::string>();
    const auto outcome = OutcomeNamed(name);
    if (!outcome) {
      return absl::InvalidArgumentError(
          fmt::format("the record has the unknown outcome '{}': run the case again", name));
    }
    return FromJson(j, *outcome);
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(
        fmt::format("it is no record ({}): run the case again", error.what()));
  }
}

}  // namespace pawk8s
