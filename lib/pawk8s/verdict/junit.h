// The verdict as JUnit, for CI servers: valid against the schema that Jenkins uses
// (lib/tests/junit/jenkins_junit.xsd holds its rules).
#pragma once

#include <string>

#include "pawk8s/verdict/gate.h"

namespace pawk8s {

// One document for the phase, one <testsuite> for each suite of the catalogue. That schema gives a
// test case no properties: they are the suite's, named "<id>.<property>" (item, outcome, value,
// threshold, margin, evidence, defect), and each case repeats its own in <system-out>. A failure's
// type is the outcome; a <failure> is a judgement, an <error> the lack of one.
[[nodiscard]] std::string VerdictJUnit(const Verdict& verdict);

}  // namespace pawk8s
