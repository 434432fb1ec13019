#include "keeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "os.h"
#include "pawk8s/agent/protocol.h"
#include "pawk8s/base/status.h"
#include "store.h"

namespace pawk8s::agent {
namespace {

constexpr std::int64_t kRecordVersion = 1;
constexpr std::size_t kKeptReverted = 100;
// While something is armed: how soon the end of its target or a failed revert is looked at again.
constexpr std::int64_t kTickMillis = 250;
constexpr char kSuffix[] = ".fault";

bool IsFileName(std::string_view id) {
  return !id.empty() && !id.starts_with(".") && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

}  // namespace

struct Keeper::Entry {
  ArmRequest request;
  FaultState state;
  Json undo = Json::object();
  std::string boot_id;
  std::int64_t deadline_boot_ms = 0;

  [[nodiscard]] bool IsOver() const { return state.phase == FaultPhase::kReverted; }
  [[nodiscard]] Json ToJson() const {
    return {{"version", kRecordVersion}, {"request", Encode(request)},
            {"state", Encode(state)},    {"undo", undo},
            {"boot_id", boot_id},        {"deadline_boot_ms", deadline_boot_ms}};
  }
  static absl::StatusOr<Entry> FromJson(const Json& json) {
    if (!json.is_object() || json.value("version", Json()) != kRecordVersion) {
      return absl::DataLossError("it is of another version or damaged");
    }
    Entry entry;
    ASSIGN_OR_RETURN(entry.request, Decode<ArmRequest>(json.value("request", Json())));
    ASSIGN_OR_RETURN(entry.state, Decode<FaultState>(json.value("state", Json())));
    entry.undo = json.value("undo", Json::object());
    entry.boot_id = json.value("boot_id", "");
    entry.deadline_boot_ms = json.value("deadline_boot_ms", std::int64_t{0});
    return entry;
  }
};

Keeper::Keeper(Executor& executor, std::string folder, std::string boot_id,
               std::function<Now()> clock)
    : executor_(executor),
      folder_(std::move(folder)),
      boot_id_(std::move(boot_id)),
      clock_(std::move(clock)) {}

Keeper::~Keeper() = default;

Keeper::Entry* Keeper::Find(std::string_view id) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.request.id == id; });
  return found == entries_.end() ? nullptr : &*found;
}

absl::Status Keeper::Save(const Entry& entry) {
  const std::string text = entry.ToJson().dump(-1, ' ', false, Json::error_handler_t::replace);
  return Annotate(StoreFile(folder_, entry.request.id + kSuffix, text),
                  "writing down the fault " + entry.request.id);
}

void Keeper::Recover() {
  for (const std::string& name : ListStored(folder_, kSuffix)) {
    const auto text = ReadFile(folder_ + "/" + name);
    const Json json = text.ok() ? Json::parse(*text, nullptr, false) : Json();
    absl::StatusOr<Entry> entry = Entry::FromJson(json);
    if (!entry.ok()) {
      fmt::print(stderr, "{}/{} is left alone: {}\n", folder_, name, MessageOf(entry.status()));
      continue;
    }
    entries_.push_back(*std::move(entry));
  }
  for (Entry& entry : entries_) {
    if (entry.IsOver()) continue;
    IgnoreError(UndoOne(entry, EndedBy::kRestart), "Tick() tries again, List() tells");
  }
  Prune();
}

absl::StatusOr<FaultState> Keeper::Arm(const ArmRequest& request) {
  if (!IsFileName(request.id)) {
    return absl::InvalidArgumentError(
        "id must consist of letters, digits, '.', '_' and '-', and not begin with '.'");
  }
  if (const Entry* known = Find(request.id)) {
    if (known->request.injection != request.injection) {
      return absl::AlreadyExistsError(
          fmt::format("fault {} is already armed with something else", request.id));
    }
    if (known->state.phase != FaultPhase::kActive) {
      return absl::FailedPreconditionError(
          fmt::format("fault {} has been armed before and was reverted", request.id));
    }
    return known->state;
  }
  const Now now = clock_();
  std::int64_t ttl = request.ttl_ms;
  if (request.not_after_ms) ttl = std::min(ttl, *request.not_after_ms - now.wall_ms);
  if (ttl <= 0) {
    return absl::DeadlineExceededError(fmt::format(
        "fault {} arrived {} ms after its time was over; nothing was done", request.id, -ttl));
  }
  ASSIGN_OR_RETURN(Json undo, executor_.Prepare(request.injection));

  Entry entry{.request = request,
              .undo = std::move(undo),
              .boot_id = boot_id_,
              .deadline_boot_ms = now.boot_ms + ttl};
  entry.state = {.id = request.id,
                 .kind = std::string(KindOf(request.injection)),
                 .armed_ms = now.wall_ms,
                 .deadline_ms = now.wall_ms + ttl};
  RETURN_IF_ERROR(Save(entry));
  entries_.push_back(std::move(entry));
  Entry& armed = entries_.back();
  absl::Status done =
      executor_.Apply(armed.request.injection, armed.undo, [&](const Undo& changed) {
        Entry next = armed;
        next.undo = changed;
        return Save(next);
      });
  if (done.ok()) {
    armed.state.phase = FaultPhase::kActive;
    armed.state.applied_ms = clock_().wall_ms;
    done = Save(armed);
  }
  if (done.ok()) return armed.state;
  const absl::Status undone = UndoOne(armed, EndedBy::kFailure);
  if (undone.ok()) {
    // As if it had never been asked for: the id may be used again.
    IgnoreError(RemoveStored(folder_, request.id + kSuffix), "a record of what is over");
    std::erase_if(entries_, [&](const Entry& e) { return e.request.id == request.id; });
    return done;
  }
  return Annotate(done, fmt::format("and undoing the part that was done failed too ({}), which is "
                                    "tried again",
                                    MessageOf(undone)));
}

absl::Status Keeper::UndoOne(Entry& entry, EndedBy why) {
  entry.state.phase = FaultPhase::kReverting;
  if (!entry.state.ended_by) entry.state.ended_by = why;
  // The record on disk says "not reverted" anyway: one that cannot be written must not stop this.
  IgnoreError(Save(entry), "the older record leads to the same revert");
  absl::Status undone = executor_.Revert(entry.request.injection, entry.undo);
  if (IsTargetGone(undone)) {
    entry.state.target_gone = true;
    undone = absl::OkStatus();
  }
  if (!undone.ok()) {
    ++entry.state.failed_reverts;
    entry.state.last_error = MessageOf(undone);
    fmt::print(stderr, "reverting {}: {}\n", entry.request.id, entry.state.last_error);
    return undone;
  }
  entry.state.phase = FaultPhase::kReverted;
  entry.state.reverted_ms = clock_().wall_ms;
  IgnoreError(Save(entry), "reverting twice is harmless");
  return absl::OkStatus();
}

absl::StatusOr<FaultState> Keeper::Revert(const std::string& id) {
  Entry* entry = Find(id);
  if (entry == nullptr) {
    return absl::NotFoundError(fmt::format("this agent knows no fault {}", id));
  }
  if (!entry->IsOver()) RETURN_IF_ERROR(UndoOne(*entry, EndedBy::kCommand));
  const FaultState state = entry->state;
  Prune();
  return state;
}

void Keeper::Tick() {
  const Now now = clock_();
  for (Entry& entry : entries_) {
    if (entry.IsOver()) continue;
    const bool late = now.wall_ms >= entry.state.deadline_ms ||
                      (entry.boot_id == boot_id_ && now.boot_ms >= entry.deadline_boot_ms);
    if (entry.state.phase == FaultPhase::kReverting) {
      IgnoreError(UndoOne(entry, EndedBy::kFailure), "the next tick tries again");
    } else if (late) {
      IgnoreError(UndoOne(entry, EndedBy::kDeadline), "the next tick tries again");
    } else if (executor_.IsGone(entry.request.injection, entry.undo)) {
      IgnoreError(UndoOne(entry, EndedBy::kTargetGone), "the next tick tries again");
    }
  }
  Prune();
}

std::int64_t Keeper::UntilNextTick() const {
  std::int64_t wait = -1;
  const Now now = clock_();
  for (const Entry& entry : entries_) {
    if (entry.IsOver()) continue;
    std::int64_t own = kTickMillis;
    if (entry.state.phase != FaultPhase::kReverting) {
      own = std::min(
          {own, entry.state.deadline_ms - now.wall_ms, entry.deadline_boot_ms - now.boot_ms});
    }
    own = std::max<std::int64_t>(own, 0);
    wait = wait < 0 ? own : std::min(wait, own);
  }
  return wait;
}

absl::Status Keeper::RevertAll() {
  absl::Status all;
  for (Entry& entry : entries_) {
    if (!entry.IsOver()) all.Update(UndoOne(entry, EndedBy::kRemoval));
  }
  if (!all.ok()) return all;
  for (const Entry& entry : entries_) {
    all.Update(RemoveStored(folder_, entry.request.id + kSuffix));
  }
  return all;
}

FaultList Keeper::List() const {
  FaultList list;
  for (const Entry& entry : entries_) list.faults.push_back(entry.state);
  return list;
}

std::int64_t Keeper::Pending() const {
  return std::count_if(entries_.begin(), entries_.end(),
                       [](const Entry& entry) { return !entry.IsOver(); });
}

// The oldest of the reverted ones go first; entries are in the order of arming.
void Keeper::Prune() {
  auto over = static_cast<std::size_t>(std::count_if(
      entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.IsOver(); }));
  std::erase_if(entries_, [&](const Entry& entry) {
    if (over <= kKeptReverted || !entry.IsOver()) return false;
    --over;
    IgnoreError(RemoveStored(folder_, entry.request.id + kSuffix), "a record of what is over");
    return true;
  });
}

}  // namespace pawk8s::agent
