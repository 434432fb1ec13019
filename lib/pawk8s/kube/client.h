// The Kubernetes API: typed addresses in, JSON objects out, one attempt a call.
//
//   ASSIGN_OR_RETURN(const auto config, kube::Kubeconfig::Load({}));
//   kube::Client client(config);
//   ASSIGN_OR_RETURN(const auto pods, client.List({kube::kPods, "paw", "app=paw"}, deadline));
//
// Errors carry the canonical code of style rule "HTTP map", the request in their message
// ("GET /api/v1/namespaces/paw/pods: 403 Forbidden: ...") and an ApiError payload (error.h):
// Unavailable (not reached, 5xx), Unauthenticated, PermissionDenied, NotFound, AlreadyExists,
// Aborted (conflict), InvalidArgument, OutOfRange (resource version too old), ResourceExhausted
// (429), DataLoss (an answer that is no JSON object), DeadlineExceeded, Cancelled. Nothing is
// retried here: pawk8s/wait alone does that.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/kube/error.h"
#include "pawk8s/kube/kubeconfig.h"
#include "pawk8s/kube/object.h"
#include "pawk8s/kube/resource.h"

namespace pawk8s::net {
class WebSocket;
}

namespace pawk8s::kube {

enum class PatchType { kJson, kMerge, kStrategic };

struct WriteOptions {
  bool dry_run = false;
  std::string field_manager = "pawk8s";
};

struct ApplyOptions {
  bool dry_run = false;
  std::string field_manager = "pawk8s";
  bool force = false;  // take over fields that another manager owns
};

enum class Propagation { kDefault, kForeground, kBackground, kOrphan };

struct DeleteOptions {
  std::string uid;               // precondition; empty: none
  std::string resource_version;  // precondition; empty: none
  std::optional<std::chrono::seconds> grace;
  Propagation propagation = Propagation::kDefault;
  bool dry_run = false;
};

struct WatchEvent {
  enum class Type { kOpened, kAdded, kModified, kDeleted, kBookmark };
  Type type = Type::kAdded;
  Object object;  // of kOpened: none; of kBookmark: only kind and resource version
};

struct Access {
  std::string verb;
  ObjectRef on;  // name and ns may be empty: any
};
struct AccessReview {
  bool allowed = false;
  std::string reason;
};

struct UserInfo {
  std::string username;
  std::string uid;
  std::vector<std::string> groups;
};

struct LogOptions {
  std::string container;
  bool previous = false;
  std::optional<int> tail_lines;
  std::optional<std::chrono::seconds> since;
};

// Not thread-safe: one a thread, by Clone(). Connects at the first call and keeps one TLS
// connection. Every call takes at most `request_timeout` of its deadline.
class Client {
 public:
  static constexpr std::chrono::seconds kRequestTimeout{5};

  explicit Client(Kubeconfig config, std::chrono::nanoseconds request_timeout = kRequestTimeout);
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  [[nodiscard]] const Kubeconfig& config() const;

  // The same account on a connection of its own, for another thread. May be called from any thread
  // while no other one calls the client.
  [[nodiscard]] Client Clone() const;
  // Acts as somebody else by impersonation (needs the right to) ...
  [[nodiscard]] Client As(std::string user, std::vector<std::string> groups = {}) const;
  // ... or by that token alone, without any credential of the kubeconfig.
  [[nodiscard]] Client WithToken(std::string token) const;

  [[nodiscard]] absl::StatusOr<Object> Get(const ObjectRef& ref, const Deadline& deadline);

  // All pages. When the list expires between two pages it fails with OutOfRange; ask again.
  [[nodiscard]] absl::StatusOr<ObjectList> List(const Collection& collection,
                                                const Deadline& deadline, int page_size = 500);

  [[nodiscard]] absl::StatusOr<Object> Create(const Collection& in, const Json& object,
                                              const Deadline& deadline,
                                              const WriteOptions& options = {});
  // Creates a subresource such as serviceaccounts/token.
  [[nodiscard]] absl::StatusOr<Object> CreateSub(const ObjectRef& ref, const Json& body,
                                                 const Deadline& deadline,
                                                 const WriteOptions& options = {});
  // Replaces; Aborted when metadata.resourceVersion in `object` is no longer the present one.
  [[nodiscard]] absl::StatusOr<Object> Update(const ObjectRef& ref, const Json& object,
                                              const Deadline& deadline,
                                              const WriteOptions& options = {});
  [[nodiscard]] absl::StatusOr<Object> Patch(const ObjectRef& ref, PatchType type,
                                             const Json& patch, const Deadline& deadline,
                                             const WriteOptions& options = {});
  // Server-side apply. `object` needs apiVersion, kind and metadata.name.
  [[nodiscard]] absl::StatusOr<Object> Apply(const ObjectRef& ref, const Json& object,
                                             const Deadline& deadline,
                                             const ApplyOptions& options = {});
  // Returns when the API server has accepted it; the object may live on through its grace period.
  [[nodiscard]] absl::Status Delete(const ObjectRef& ref, const Deadline& deadline,
                                    const DeleteOptions& options = {});
  // Asks for the eviction of a pod. ResourceExhausted with cause "DisruptionBudget" when a
  // PodDisruptionBudget forbids it now.
  [[nodiscard]] absl::Status Evict(const ObjectRef& pod, const Deadline& deadline,
                                   const DeleteOptions& options = {});

  // Calls `on_event` with kOpened once the server has accepted the watch, then for each change
  // after `resource_version`, bookmarks included, until the callback returns false or the server
  // ends the stream (both OK), or it fails; OutOfRange: list again. Runs until `deadline`, not only
  // for `request_timeout`.
  [[nodiscard]] absl::Status Watch(const Collection& collection,
                                   const std::string& resource_version,
                                   const std::function<bool(WatchEvent)>& on_event,
                                   const Deadline& deadline);

  // Body of a GET on any path, such as /readyz or /version.
  [[nodiscard]] absl::StatusOr<std::string> GetRaw(const std::string& path,
                                                   const Deadline& deadline);
  [[nodiscard]] absl::StatusOr<Json> GetJson(const std::string& path, const Deadline& deadline);

  // The resource of an apiVersion and kind, from the server's discovery; NotFound when the server
  // does not know it.
  [[nodiscard]] absl::StatusOr<GroupVersionResource> Discover(const std::string& api_version,
                                                              const std::string& kind,
                                                              const Deadline& deadline);

  [[nodiscard]] absl::StatusOr<std::string> Logs(const ObjectRef& pod, const LogOptions& options,
                                                 const Deadline& deadline);

  // May this client do that? (SelfSubjectAccessReview)
  [[nodiscard]] absl::StatusOr<AccessReview> Allowed(const Access& access,
                                                     const Deadline& deadline);
  // Who the API server takes this client for. (SelfSubjectReview)
  [[nodiscard]] absl::StatusOr<UserInfo> WhoAmI(const Deadline& deadline);
  // A token of the service account `ref`, valid for `lifetime` (at least 10 minutes).
  [[nodiscard]] absl::StatusOr<std::string> RequestToken(
      const ObjectRef& ref, std::chrono::seconds lifetime, const Deadline& deadline,
      const std::vector<std::string>& audiences = {});

  // A WebSocket to a streaming subresource ("<path>?<query>"), for exec and port-forward. On a
  // connection of its own.
  [[nodiscard]] absl::StatusOr<std::unique_ptr<net::WebSocket>> OpenStream(
      const std::string& path_and_query, const std::vector<std::string>& subprotocols,
      const Deadline& deadline) const;

 private:
  class Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pawk8s::kube
