#include "supervisor.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "../test_folder.h"

namespace pawk8s::agent {
namespace {

TEST(Supervise, StartsAnewWhatASignalEndedAndReturnsItsExitCode) {
  const TestFolder folder;
  const int code = Supervise([&] {
    if (std::filesystem::exists(folder.path() / "started")) return 7;
    folder.Write("started", "");
    ::kill(::getpid(), SIGKILL);
    return 1;
  });
  EXPECT_EQ(code, 7);
}

}  // namespace
}  // namespace pawk8s::agent
