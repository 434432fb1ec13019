// The JUnit document is what Jenkins' schema asks for, whatever the records hold.
#include "pawk8s/verdict/junit.h"

#include <gmock/gmock.h>

#include "kube/test_util.h"
#include "pawk8s/net/process.h"
#include "report/sample_run.h"
#include "test_folder.h"

namespace pawk8s {
namespace {

using testing::HasSubstr;
using testing::Not;

class JUnit : public testing::Test {
 protected:
  explicit JUnit(std::string_view phase = "chaos")
      : catalogue_(*Catalogue::OfPhase(phase)), run_(WriteSampleRun(folder_.path(), phase)) {}

  [[nodiscard]] net::ProcessResult Xmllint(std::vector<std::string> arguments,
                                           const std::string& xml) const {
    const auto file = folder_.Write("junit.xml", xml);
    arguments.insert(arguments.begin(), PAWK8S_XMLLINT);
    arguments.push_back(file.string());
    return net::RunProcess({.argv = arguments}, Soon())
        .value_or(net::ProcessResult{.exit_code = -1});
  }
  [[nodiscard]] std::string XPath(const std::string& expression, const std::string& xml) const {
    std::string out = Xmllint({"--xpath", expression}, xml).out;
    while (out.ends_with('\n')) out.pop_back();
    return out;
  }
  [[nodiscard]] std::string Xml() const { return VerdictJUnit(Judge(catalogue_, run_)); }

  const TestFolder folder_;
  const Catalogue catalogue_;
  const pawk8s::Run run_;
};

TEST_F(JUnit, IsValidForEveryKindOfRecord) {
  const auto checked = Xmllint(
      {"--noout", "--schema", std::string(PAWK8S_TEST_DIR) + "/junit/jenkins_junit.xsd"}, Xml());
  EXPECT_EQ(checked.exit_code, 0) << checked.err;
}

TEST_F(JUnit, TheSchemaRefusesWhatJenkinsDoes) {
  const auto refused = [&](const std::string& body) {
    return Xmllint(
               {"--noout", "--schema", std::string(PAWK8S_TEST_DIR) + "/junit/jenkins_junit.xsd"},
               "<testsuites>" + body + "</testsuites>")
               .exit_code != 0;
  };
  EXPECT_FALSE(refused(R"(<testsuite name="a" tests="1"><testcase name="b"/></testsuite>)"));
  EXPECT_TRUE(refused(R"(<testsuite tests="1"/>)"));
  EXPECT_TRUE(refused(R"(<testsuite name="a" tests="many"/>)"));
  EXPECT_TRUE(refused(
      R"(<testsuite name="a" tests="1"><testcase name="b"><properties/></testcase></testsuite>)"));
}

TEST_F(JUnit, HasOneSuiteForEachAndEveryCaseOnce) {
  const std::string xml = Xml();
  EXPECT_EQ(XPath("count(//testcase)", xml), "65");
  EXPECT_EQ(XPath("count(//testsuite[@name='PodFailure'])", xml), "1");
  EXPECT_EQ(XPath("count(//testsuite[@name='PodFailure']/testcase)", xml), "7");
  EXPECT_EQ(XPath("sum(//testsuite/@tests)", xml), "65");
  EXPECT_EQ(XPath("sum(//testsuite/@failures) = /testsuites/@failures", xml), "true");
  EXPECT_EQ(XPath("count(//failure) = /testsuites/@failures", xml), "true");
  EXPECT_EQ(XPath("count(//error) = /testsuites/@errors", xml), "true");
}

TEST_F(JUnit, TheTypeIsTheOutcomeAndNothingIsMissing) {
  const std::string xml = Xml();
  for (const char* type : {"crashed", "timed-out", "not-run", "blocked", "stimulus-failed",
                           "unobservable", "damaged", "not-implemented"}) {
    EXPECT_EQ(XPath(std::string("count(//error[@type='") + type + "'])", xml), "1") << type;
  }
  EXPECT_EQ(XPath("count(//failure[@type='violated']) = count(//failure)", xml), "true");
}

TEST_F(JUnit, PropertiesHoldWhatWasMeasured) {
  const std::string xml = Xml();
  EXPECT_EQ(XPath("string(//property[@name='CHA-POD-02.value [block gap]']/@value)", xml),
            "9.31 s");
  EXPECT_EQ(XPath("string(//property[@name='CHA-POD-02.threshold [block gap]']/@value)", xml),
            "<= 10 s");
  EXPECT_EQ(XPath("string(//property[@name='CHA-POD-02.margin [block gap]']/@value)", xml),
            "6.9 %");
  EXPECT_EQ(XPath("string(//property[@name='CHA-POD-02.evidence']/@value)", xml),
            "CHA-POD-02/record.json");
  EXPECT_EQ(XPath("string(//property[@name='CHA-POD-02.defect']/@value)", xml), "CHA-POD-02");
  EXPECT_EQ(XPath("count(//property[@name='run'])", xml), XPath("count(//testsuite)", xml));
}

TEST_F(JUnit, AFailureHoldsTheTextThatTheRunnerPrinted) {
  const std::string xml = Xml();
  EXPECT_THAT(XPath("string(//testcase[@name='RapidRestartsKeepSignStateMonotonic']/failure)", xml),
              HasSubstr("Expected: within 60.0s: the signers of the latest block contain 9C1F"));
}

TEST_F(JUnit, OddCharactersDoNotBreakIt) {
  const std::string xml = Xml();
  EXPECT_THAT(xml, Not(HasSubstr("<script>")));
  EXPECT_THAT(xml, Not(HasSubstr("]]>")));
  EXPECT_THAT(xml, Not(HasSubstr("\x01")));
  EXPECT_THAT(xml, HasSubstr("&lt;script&gt;"));
}

}  // namespace
}  // namespace pawk8s
