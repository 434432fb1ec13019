// Certificates made at run time: no key is ever stored in the repository.
#pragma once

#include <chrono>
#include <memory>
#include <string>

namespace pawk8s::fake {

struct Identity {
  std::string certificate_pem;
  std::string key_pem;
};

class CertificateAuthority {
 public:
  CertificateAuthority();
  ~CertificateAuthority();

  [[nodiscard]] std::string certificate_pem() const;

  // For a server at 127.0.0.1, ::1, localhost and `name`, or for a client called `name`. Its
  // validity began two hours ago and ends `valid_for` from now, which may be negative.
  [[nodiscard]] Identity Issue(const std::string& name, std::chrono::seconds valid_for) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pawk8s::fake
