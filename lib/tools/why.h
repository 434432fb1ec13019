// pawk8s why: what the last record of a case says, and how the case has behaved so far.
#pragma once

#include <CLI/CLI.hpp>

namespace pawk8s {

// Adds the subcommand. When it runs, `code` becomes 0 if the case passed, 1 if it did not, 2 for an
// id that is none, 3 if there is no record of it.
void AddWhy(CLI::App& app, int& code);

}  // namespace pawk8s
