// The objects of the fake API server and their history, with the semantics that the library relies
// on: resource versions, selectors, pages, preconditions, patches, field ownership, watches.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "pawk8s/kube/object.h"

namespace pawk8s::fake {

using kube::Json;

struct Answer {
  int status = 200;
  Json body;
  int retry_after = 0;  // seconds; 0: no header
};

// A metav1.Status answer.
Answer Failure(int status, const std::string& reason, const std::string& message,
               Json causes = Json::array());

// What a URL path says.
struct Target {
  std::string collection;  // "/api/v1/namespaces/paw/pods"
  std::string resource;    // "pods"
  std::string ns;
  std::string name;
  std::string subresource;
  [[nodiscard]] std::string Key() const { return collection + "/" + name; }
  // "/api/v1/pods": without the namespace
  [[nodiscard]] std::string KindPrefix() const;
};
// False when the path is no resource path.
bool ParseTarget(const std::string& path, Target* target);

using Query = std::map<std::string, std::string>;

class Store {
 public:
  struct Event {
    std::uint64_t version = 0;
    std::string type;
    std::string collection;
    Json object;
  };

  Answer Get(const Target& target) const;
  Answer List(const Target& target, const Query& query) const;
  Answer Create(const Target& target, Json object, const Query& query);
  Answer Update(const Target& target, Json object, const Query& query);
  Answer Patch(const Target& target, const std::string& content_type, const Json& patch,
               const Query& query);
  Answer Delete(const Target& target, const Json& options);
  Answer Evict(const Target& pod);

  // Puts an object there without any check.
  void Put(const std::string& path, Json object);

  // Events after `*version` that match, and moves `*version` past them; waits a little when there
  // are none. `*gone` is set when the history no longer reaches back that far.
  std::vector<Event> Await(const Target& target, const Query& query, std::uint64_t* version,
                           bool* gone);
  // Forgets the history: every watch from before is 410 Gone.
  void Compact();
  [[nodiscard]] std::uint64_t version() const;

 private:
  // All with mutex_ held.
  void Record(const std::string& type, const std::string& collection, const Json& object);
  Answer Save(const Target& target, Json object, const Query& query);
  Answer Apply(const Target& target, const Json& patch, const Query& query);
  [[nodiscard]] bool NamespaceExists(const std::string& ns) const;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Json> objects_;          // by Target::Key()
  std::map<std::string, std::string> managers_;  // by key and JSON pointer of the field
  std::vector<Event> events_;
  std::uint64_t version_ = 1000;
  std::uint64_t compacted_ = 1000;
  std::uint64_t next_uid_ = 1;
};

}  // namespace pawk8s::fake
