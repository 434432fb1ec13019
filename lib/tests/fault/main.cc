#include <gmock/gmock.h>

#include <iostream>
#include <string>

#include "fault/runner.h"
#include "pawk8s/fault/guardian.h"

int main(int argc, char** argv) {
  if (const auto guarded = pawk8s::fault::RunGuardianIfAsked(argc, argv)) return *guarded;
  if (argc == 4 && std::string(argv[1]) == "--runner") {
    return pawk8s::fault::RunUntilKilled(argv[2], argv[3]);
  }
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
