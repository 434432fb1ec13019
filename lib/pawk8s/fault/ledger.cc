#include "pawk8s/fault/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"

namespace pawk8s::fault {
namespace {

using kube::Json;

constexpr int kVersion = 1;

Json ToJson(const LedgerEntry& entry) {
  return {{"version", kVersion},
          {"run", entry.run},
          {"case", entry.case_id},
          {"what", entry.what},
          {"planned", FormatUtc(entry.planned)},
          {"expires", FormatUtc(entry.expires)},
          {"undo", entry.undo.ToJson()}};
}

absl::StatusOr<LedgerEntry> FromText(const std::string& id, const std::string& text) try {
  const Json json = Json::parse(text);
  if (const int version = json.at("version"); version != kVersion) {
    return absl::FailedPreconditionError(fmt::format(
        "entry {} is of version {}, this suite knows version {}: lift it with the suite that "
        "wrote it",
        id, version, kVersion));
  }
  const auto planned = kube::ParseTime(json.at("planned").get<std::string>());
  const auto expires = kube::ParseTime(json.at("expires").get<std::string>());
  if (!planned || !expires) return absl::DataLossError("entry " + id + " has no times");
  ASSIGN_OR_RETURN(Undo undo, Undo::FromJson(json.at("undo")));
  return LedgerEntry{.id = id,
                     .run = json.at("run"),
                     .case_id = json.at("case"),
                     .what = json.at("what"),
                     .planned = *planned,
                     .expires = *expires,
                     .undo = std::move(undo)};
} catch (const Json::exception& error) {
  return absl::DataLossError(fmt::format("entry {} cannot be read: {}", id, error.what()));
}

}  // namespace

absl::Status EnsureNamespace(kube::Client& client, const std::string& ns,
                             const Deadline& deadline) {
  const auto found = client.Get({kube::kNamespaces, "", ns}, deadline);
  if (found.ok()) return absl::OkStatus();
  if (!absl::IsNotFound(found.status())) return found.status();
  const auto made = client.Create({kube::kNamespaces},
                                  {{"apiVersion", "v1"},
                                   {"kind", "Namespace"},
                                   {"metadata",
                                    {{"name", ns},
                                     {"labels",
                                      {{"app.kubernetes.io/managed-by", "pawk8s"},
                                       {"pod-security.kubernetes.io/enforce", "restricted"}}}}}},
                                  deadline);
  return absl::IsAlreadyExists(made.status()) ? absl::OkStatus() : made.status();
}

Ledger::Ledger(kube::Client& client, std::string ns, const std::string& deployment)
    : client_(client), map_{kube::kConfigMaps, std::move(ns), "ledger-" + deployment} {}

absl::Status Ledger::Put(const LedgerEntry& entry, const Deadline& deadline) {
  const Json change = {{"data", {{entry.id, ToJson(entry).dump()}}}};
  absl::Status put = client_.Patch(map_, kube::PatchType::kMerge, change, deadline).status();
  if (absl::IsNotFound(put)) {
    RETURN_IF_ERROR(EnsureNamespace(client_, map_.ns, deadline));
    Json map = change;
    map["apiVersion"] = "v1";
    map["kind"] = "ConfigMap";
    map["metadata"] = {{"name", map_.name},
                       {"namespace", map_.ns},
                       {"labels", {{"app.kubernetes.io/managed-by", "pawk8s"}}}};
    put = client_.Create({map_.resource, map_.ns}, map, deadline).status();
    if (absl::IsAlreadyExists(put)) {
      put = client_.Patch(map_, kube::PatchType::kMerge, change, deadline).status();
    }
  }
  return put.ok() ? put : Annotate(put, "writing the ledger");
}

absl::Status Ledger::Remove(const std::string& id, const Deadline& deadline) {
  const auto removed =
      client_.Patch(map_, kube::PatchType::kMerge, {{"data", {{id, nullptr}}}}, deadline);
  if (removed.ok() || absl::IsNotFound(removed.status())) return absl::OkStatus();
  return Annotate(removed.status(), "clearing the ledger");
}

absl::StatusOr<std::vector<LedgerEntry>> Ledger::Read(const Deadline& deadline) {
  const auto map = client_.Get(map_, deadline);
  std::vector<LedgerEntry> entries;
  if (absl::IsNotFound(map.status())) return entries;
  if (!map.ok()) return Annotate(map.status(), "reading the ledger");
  for (const auto& [id, text] : kube::FindMap(map->json(), {"data"})) {
    auto entry = FromText(id, text);
    if (!entry.ok()) return Annotate(entry.status(), "the ledger " + map_.ToString());
    entries.push_back(*std::move(entry));
  }
  std::ranges::stable_sort(entries, {}, &LedgerEntry::planned);
  return entries;
}

}  // namespace pawk8s::fault
