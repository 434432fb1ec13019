#include "pawk8s/net/tls.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

#include "absl/status/status.h"

namespace pawk8s::net {

absl::StatusOr<std::chrono::system_clock::time_point> CertificateExpiry(std::string_view pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free);
  std::tm tm{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &tm) != 1) {
    return absl::InvalidArgumentError("there is no PEM certificate in it");
  }
  return std::chrono::system_clock::from_time_t(timegm(&tm));
}

}  // namespace pawk8s::net
