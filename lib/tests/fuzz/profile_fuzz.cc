// The profile's parser, and what is made of a profile that it takes.
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>

#include "pawk8s/base/status.h"
#include "pawk8s/deployment/profile.h"
#include "pawk8s/deployment/profile_keys.h"
#include "pawk8s/deployment/profile_text.h"
#include "pawk8s/deployment/rights.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pawk8s;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto lines = ReadLines(text);
  auto profile = Profile::Parse(text, "f");
  if (!profile.ok()) {
    // Every mistake is named with its line.
    if (!MessageOf(profile.status()).starts_with("f:")) std::abort();
    return static_cast<int>(std::hash<std::string_view>()(MessageOf(profile.status())) % 200);
  }
  if (!lines.ok()) std::abort();
  // What is written of it is the same profile.
  ProfileLines written;
  for (const ProfileKey& key : KeysOf(*profile)) {
    const bool unset = key.presence == ProfileKey::Presence::kNamed && key.IsEmpty();
    if (!key.IsGroup() && !unset) written[key.path] = {.value = key.Text()};
  }
  auto again = Profile::Parse(WriteProfile("", written), "f");
  if (!again.ok()) std::abort();
  for (const ProfileKey& key : KeysOf(*again)) {
    const auto found = written.find(key.path);
    if (found != written.end() && found->second.value != key.Text()) std::abort();
  }
  return RbacManifest(*profile, "a").empty() ? 201 : 200;
}
