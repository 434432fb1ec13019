// A connected byte stream that something else than connect() made: a port-forward, for example.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"

namespace pawk8s::net {

class Conduit {
 public:
  virtual ~Conduit() = default;

  // A connected stream socket, owned by the conduit and open as long as it lives.
  [[nodiscard]] virtual int fd() const = 0;

  // OK while bytes can flow; afterwards why they no longer do. Thread-safe.
  [[nodiscard]] virtual absl::Status status() const = 0;
};

using Dial = std::function<absl::StatusOr<std::unique_ptr<Conduit>>(const Deadline&)>;

}  // namespace pawk8s::net
