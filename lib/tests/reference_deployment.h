// The reference deployment's own manifests in the fake API server, with pods that answer as its
// programs do, under its names or any others.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "fake/fake_api_server.h"

namespace pawk8s {

inline constexpr const char* kFakeChain = "paw-fake-1";

// Changes the text of a manifest before it is applied.
using Rename = std::function<std::string(std::string)>;

// Fills `api` from the folder fixtures/deployment/base.
void PutReferenceDeployment(fake::FakeApiServer& api, const std::filesystem::path& base,
                            const Rename& rename);

// What PutReferenceDeployment() put there, as a profile without access and identity.
[[nodiscard]] std::string ReferenceProfile(const std::string& text, const Rename& rename);

}  // namespace pawk8s
