// report.html: the verdict for people. One file that needs nothing from elsewhere, for a browser, a
// mail attachment or paper. Its looks are in report_template.html, which the build embeds.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "pawk8s/verdict/gate.h"
#include "pawk8s/verdict/history.h"

namespace pawk8s {

// `history`: what earlier runs, and this one, said of each case. Links are relative to
// `run_folder`, where the page belongs: to evidence, and to a case's page in the catalogue where
// this machine has one.
[[nodiscard]] std::string VerdictReport(const Verdict& verdict,
                                        const std::map<std::string, CaseHistory>& history,
                                        const std::filesystem::path& run_folder);

}  // namespace pawk8s
