#include "pawk8s/kube/informer.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"

namespace pawk8s::kube {
namespace {

constexpr Millis kFirstPause{50};
constexpr Millis kLongestPause{1000};
constexpr std::chrono::seconds kConfirm{5};
constexpr std::chrono::seconds kLate{1};  // that an event may come after a list shows its change

bool IsFinal(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kInvalidArgument:
      return true;
    default:
      return false;
  }
}

}  // namespace

const Object* Informer::Snapshot::Find(std::string_view name) const {
  const auto found = std::find_if(objects.begin(), objects.end(),
                                  [&](const Object& object) { return object.name() == name; });
  return found == objects.end() ? nullptr : &*found;
}

class Informer::Impl {
 public:
  Impl(Client client, Collection collection, const InformerOptions& options)
      : client_(std::move(client)),
        lister_(client_.Clone()),
        collection_(std::move(collection)),
        options_(options) {}

  absl::Status Start(const Deadline& deadline) {
    ASSIGN_OR_RETURN(const ObjectList list, client_.List(collection_, deadline));
    for (const Object& object : list.items) objects_[object.ToString()] = object;
    resource_version_ = list.resource_version;
    thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
    return absl::OkStatus();
  }

  Snapshot Get() const {
    const std::lock_guard lock(mutex_);
    Snapshot snapshot;
    snapshot.version = version_;
    snapshot.objects.reserve(objects_.size());
    for (const auto& [key, object] : objects_) snapshot.objects.push_back(object);
    return snapshot;
  }

  Timeline Changes() const {
    const std::lock_guard lock(mutex_);
    return {{timeline_.begin(), timeline_.end()}, dropped_};
  }

  absl::Status AwaitChange(std::uint64_t seen_version, const Deadline& deadline) const {
    std::unique_lock lock(mutex_);
    const bool woken = changed_.wait_until(lock, deadline.stop(), deadline.when(), [&] {
      return version_ > seen_version || IsFinal(status_);
    });
    if (version_ > seen_version) return absl::OkStatus();
    if (woken) return status_;
    std::string doing = fmt::format("waiting for a change of {}", collection_.ToString());
    if (!status_.ok()) doing += fmt::format(" (its watch is down: {})", MessageOf(status_));
    const absl::Status over = deadline.Check(doing);
    return over.ok() ? absl::DeadlineExceededError(doing + ": no time left") : over;
  }

  absl::Status Confirm(const Deadline& deadline) const {
    const std::lock_guard lister_lock(lister_mutex_);
    const std::uint64_t version = Get().version;
    ASSIGN_OR_RETURN(const ObjectList list,
                     lister_.List(collection_, Deadline::After(kConfirm, deadline.stop())));
    std::unique_lock lock(mutex_);
    // Whatever it brings from here on, it is neither down nor silent.
    const auto is_alive = [&] { return version_ > version || Shows(list); };
    if (changed_.wait_until(lock, deadline.stop(), std::chrono::steady_clock::now() + kLate,
                            is_alive)) {
      return absl::OkStatus();
    }
    if (deadline.Cancelled()) return absl::CancelledError("the wait was cancelled");
    return absl::UnavailableError(
        fmt::format("the watch of {} does not bring what a list shows{}", collection_.ToString(),
                    status_.ok() ? "" : fmt::format(" ({})", MessageOf(status_))));
  }

  absl::Status status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }

  int relists() const {
    const std::lock_guard lock(mutex_);
    return relists_;
  }

 private:
  void Run(const std::stop_token& stop) {
    const Deadline forever = Deadline::After(std::chrono::hours(24 * 365), stop);
    Millis pause = kFirstPause;
    bool relist = false;
    while (!stop.stop_requested()) {
      const std::uint64_t version_before = Get().version;
      absl::Status ended = relist ? Relist(forever) : absl::OkStatus();
      bool useful = false;  // it brought something, so that trouble begins anew
      if (ended.ok()) {
        relist = false;
        ended = client_.Watch(
            collection_, resource_version_,
            [&](WatchEvent event) {
              useful |= event.type != WatchEvent::Type::kOpened;
              Apply(std::move(event));
              return true;
            },
            forever);
      }
      if (stop.stop_requested()) return;
      relist = relist || absl::IsOutOfRange(ended) || absl::IsDataLoss(ended);
      useful |= Get().version != version_before;
      if (useful) pause = kFirstPause;
      // An orderly end after a while is what API servers do to every watch.
      if (ended.ok() && useful) continue;
      if (!ended.ok() && !absl::IsOutOfRange(ended)) SetStatus(ended);
      if (IsFinal(ended)) return;
      if (absl::IsOutOfRange(ended) && pause == kFirstPause) {
        pause *= 2;
        continue;
      }
      Clock::Real().Sleep(pause, forever);
      pause = std::min(pause * 2, kLongestPause);
    }
  }

  void Apply(WatchEvent event) {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    status_ = absl::OkStatus();
    if (event.type == WatchEvent::Type::kOpened) return;
    resource_version_ = event.object.resource_version();
    if (event.type == WatchEvent::Type::kBookmark) return;
    const std::string key = event.object.ToString();
    switch (event.type) {
      case WatchEvent::Type::kDeleted:
        objects_.erase(key);
        Record(Change::Type::kDeleted, std::move(event.object), now);
        break;
      case WatchEvent::Type::kAdded:
        objects_[key] = event.object;
        Record(Change::Type::kAdded, std::move(event.object), now);
        break;
      default:
        objects_[key] = event.object;
        Record(Change::Type::kModified, std::move(event.object), now);
        break;
    }
    changed_.notify_all();
  }

  absl::Status Relist(const Deadline& deadline) {
    ASSIGN_OR_RETURN(const ObjectList list, client_.List(collection_, deadline));
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    ++relists_;
    status_ = absl::OkStatus();
    std::map<std::string, Object> before = std::exchange(objects_, {});
    for (const Object& object : list.items) {
      const std::string key = object.ToString();
      objects_[key] = object;
      const auto old = before.find(key);
      if (old == before.end()) {
        Record(Change::Type::kAdded, object, now);
        continue;
      }
      if (old->second.uid() != object.uid()) {
        Record(Change::Type::kDeleted, old->second, now);
        Record(Change::Type::kAdded, object, now);
      } else if (old->second.resource_version() != object.resource_version()) {
        Record(Change::Type::kModified, object, now);
      }
      before.erase(old);
    }
    for (const auto& [key, object] : before) Record(Change::Type::kDeleted, object, now);
    resource_version_ = list.resource_version;
    changed_.notify_all();
    return absl::OkStatus();
  }

  // With mutex_ held: are these the objects, in these versions?
  bool Shows(const ObjectList& list) const {
    return list.items.size() == objects_.size() &&
           std::ranges::all_of(list.items, [&](const Object& object) {
             const auto own = objects_.find(object.ToString());
             return own != objects_.end() &&
                    own->second.resource_version() == object.resource_version();
           });
  }

  // With mutex_ held.
  void Record(Change::Type type, Object object, SteadyTime at) {
    ++version_;
    timeline_.push_back({type, std::move(object), at, std::chrono::system_clock::now()});
    if (timeline_.size() > options_.timeline_capacity) {
      timeline_.pop_front();
      ++dropped_;
    }
  }

  void SetStatus(const absl::Status& status) {
    const std::lock_guard lock(mutex_);
    status_ = status;
    changed_.notify_all();
  }

  Client client_;  // the thread's alone once it runs
  mutable std::mutex lister_mutex_;
  mutable Client lister_;  // with lister_mutex_
  const Collection collection_;
  const InformerOptions options_;
  std::string resource_version_;  // the thread's alone once it runs

  mutable std::mutex mutex_;
  mutable std::condition_variable_any changed_;
  std::map<std::string, Object> objects_;
  std::uint64_t version_ = 0;
  std::deque<Change> timeline_;
  std::size_t dropped_ = 0;
  absl::Status status_;
  int relists_ = 0;

  std::jthread thread_;  // last: stops first
};

absl::StatusOr<std::unique_ptr<Informer>> Informer::Start(const Client& client,
                                                          const Collection& collection,
                                                          const Deadline& deadline,
                                                          const InformerOptions& options) {
  auto impl = std::make_unique<Impl>(client.Clone(), collection, options);
  if (absl::Status started = impl->Start(deadline); !started.ok()) {
    return Annotate(started, "listing " + collection.ToString());
  }
  return std::unique_ptr<Informer>(new Informer(std::move(impl)));
}

Informer::Informer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Informer::~Informer() = default;
Informer::Snapshot Informer::Get() const { return impl_->Get(); }
Informer::Timeline Informer::Changes() const { return impl_->Changes(); }
absl::Status Informer::AwaitChange(std::uint64_t seen_version, const Deadline& deadline) const {
  return impl_->AwaitChange(seen_version, deadline);
}
absl::Status Informer::Confirm(const Deadline& deadline) const { return impl_->Confirm(deadline); }
absl::Status Informer::status() const { return impl_->status(); }
int Informer::relists() const { return impl_->relists(); }

}  // namespace pawk8s::kube
