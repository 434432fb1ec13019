#include "pawk8s/testing/shared_trace.h"

#include <fmt/format.h>

#include <fstream>

#include "pawk8s/verdict/record.h"

namespace pawk8s::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path FileOf(const fs::path& run, std::string_view name) {
  return run / fmt::format("trace-{}.json", name);
}

std::int64_t MillisSinceEpoch(std::chrono::system_clock::time_point when) {
  return std::chrono::duration_cast<Millis>(when.time_since_epoch()).count();
}

}  // namespace

absl::Status KeepTrace(const fs::path& run, std::string_view name, const SharedTrace& trace) {
  const json file = {{"uid", trace.subject.uid},
                     {"generation", trace.subject.generation},
                     {"revision", trace.subject.revision},
                     {"made_by", trace.made_by},
                     {"made_at", MillisSinceEpoch(trace.made_at)},
                     {"content", trace.content}};
  return WriteFileAtomically(FileOf(run, name),
                             file.dump(1, ' ', false, json::error_handler_t::replace));
}

std::optional<SharedTrace> FindTrace(const fs::path& run, std::string_view name,
                                     const TraceSubject& subject, Millis max_age,
                                     std::chrono::system_clock::time_point now) {
  std::ifstream in(FileOf(run, name));
  if (!in) return std::nullopt;
  try {
    const json file = json::parse(in);
    SharedTrace trace{.subject = {.uid = file.at("uid"),
                                  .generation = file.at("generation"),
                                  .revision = file.at("revision")},
                      .made_by = file.at("made_by"),
                      .made_at = std::chrono::system_clock::time_point(
                          Millis{file.at("made_at").get<std::int64_t>()}),
                      .content = file.at("content")};
    const auto age = now - trace.made_at;
    if (trace.subject != subject || age > max_age || age < Millis{0}) return std::nullopt;
    return trace;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

}  // namespace pawk8s::testing
