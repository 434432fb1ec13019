#include "pawk8s/observe/jaeger.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "pawk8s/base/status.h"

namespace pawk8s::observe {
namespace {

using nlohmann::json;

std::string ValueOf(const json& tag) {
  const json& value = tag.at("value");
  return value.is_string() ? value.get<std::string>() : value.dump();
}

Span SpanOf(const json& from, const json& processes) {
  Span span{.id = from.at("spanID"), .operation = from.at("operationName")};
  for (const json& reference : from.value("references", json::array())) {
    if (reference.at("refType") == "CHILD_OF") span.parent = reference.at("spanID");
  }
  span.service = processes.at(from.at("processID").get<std::string>()).at("serviceName");
  for (const json& tag : from.value("tags", json::array())) span.tags[tag.at("key")] = ValueOf(tag);
  const std::chrono::microseconds start(from.at("startTime").get<std::int64_t>());
  span.start = std::chrono::system_clock::time_point(start);
  span.duration = std::chrono::microseconds(from.at("duration").get<std::int64_t>());
  return span;
}

}  // namespace

const Span* Trace::Find(std::string_view span) const {
  const auto found = std::ranges::find(spans, span, &Span::id);
  return found == spans.end() ? nullptr : &*found;
}

absl::StatusOr<std::vector<Trace>> ParseTraces(std::string_view answer) {
  const json parsed = json::parse(answer, nullptr, /*allow_exceptions=*/false);
  try {
    std::vector<Trace> traces;
    for (const json& from : parsed.at("data")) {
      Trace trace{.id = from.at("traceID")};
      for (const json& span : from.at("spans")) {
        trace.spans.push_back(SpanOf(span, from.at("processes")));
      }
      traces.push_back(std::move(trace));
    }
    return traces;
  } catch (const json::exception& e) {
    return absl::DataLossError(fmt::format("no answer of Jaeger: {}", e.what()));
  }
}

Jaeger::Jaeger(net::HttpOptions options, std::string base_url)
    : http_(std::move(options)), base_url_(std::move(base_url)) {}

absl::StatusOr<std::vector<Trace>> Jaeger::Find(const TraceQuery& query, const Deadline& deadline) {
  std::string url = fmt::format("{}/api/traces?service={}&lookback={}s&limit={}", base_url_,
                                net::UrlEscape(query.service), query.lookback.count(), query.limit);
  if (!query.operation.empty()) url += "&operation=" + net::UrlEscape(query.operation);
  if (!query.tags.empty()) url += "&tags=" + net::UrlEscape(json(query.tags).dump());
  ASSIGN_OR_RETURN(const net::HttpResponse answer, http_.Send({.url = url}, deadline));
  if (answer.status != 200) {
    return absl::UnavailableError(
        fmt::format("GET {}: {} {}", url, answer.status, answer.body.substr(0, 200)));
  }
  return ParseTraces(answer.body);
}

}  // namespace pawk8s::observe
