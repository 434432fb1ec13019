// report.html: everything in one file, nothing from elsewhere, and no text of the deployment that
// could be taken for markup.
#include "pawk8s/verdict/report.h"

#include <gmock/gmock.h>

#include <regex>

#include "kube/test_util.h"
#include "pawk8s/net/process.h"
#include "pawk8s/verdict/report_charts.h"
#include "report/sample_run.h"
#include "test_folder.h"

namespace pawk8s {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::size_t Count(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

class Report : public testing::Test {
 protected:
  Report()
      : catalogue_(*Catalogue::OfPhase("chaos")), run_(WriteSampleRun(folder_.path(), "chaos")) {}
  [[nodiscard]] std::string Page() const {
    return VerdictReport(Judge(catalogue_, run_),
                         RecentHistory(RunsIn(folder_.path(), "chaos"), 20), folder_.path());
  }

  const TestFolder folder_;
  const Catalogue catalogue_;
  const pawk8s::Run run_;
};

TEST_F(Report, SaysTheVerdictFirstAndHasEveryCase) {
  const std::string page = Page();
  EXPECT_THAT(page, HasSubstr("<title>Chaos: No verdict, 51 of 65</title>"));
  EXPECT_THAT(page, HasSubstr("95 % of 65 cases must pass: 62. 11 more would be needed."));
  EXPECT_THAT(page, HasSubstr("Partial: 64 of 65 cases left a record"));
  EXPECT_THAT(page, HasSubstr("Not provided: byzantine-signer"));
  EXPECT_THAT(page, HasSubstr("did not restore the deployment"));
  EXPECT_EQ(Count(page, "<details id="), 65U);
  EXPECT_THAT(page, HasSubstr("<a href=\"CHA-POD-04/events.txt\">events.txt</a>"));
  EXPECT_THAT(page, HasSubstr("<dt>Last err</dt><dd>+31.2s GET paw-validator-2:26657/status"));
  EXPECT_THAT(page, HasSubstr("flaky: both at one commit"));
}

TEST_F(Report, NeedsNothingFromElsewhere) {
  const std::string page = Page();
  EXPECT_THAT(page, Not(HasSubstr("src=")));
  EXPECT_THAT(page, Not(HasSubstr("@import")));
  EXPECT_THAT(page, Not(HasSubstr("url(")));
  EXPECT_THAT(page, Not(HasSubstr("<link")));
  const std::regex href("href=\"([^\"]*)\"");
  for (std::sregex_iterator it(page.begin(), page.end(), href), end; it != end; ++it) {
    EXPECT_TRUE(std::regex_match((*it)[1].str(), std::regex("#?[A-Z]{3}-[A-Za-z0-9./-]+")))
        << (*it)[1];
  }
}

TEST_F(Report, TextOfTheDeploymentIsEscaped) {
  const std::string page = Page();
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("onload='x'")));
  EXPECT_THAT(page, Not(HasSubstr("javascript:")));
  EXPECT_THAT(page, Not(HasSubstr("etc/passwd\"")));
  EXPECT_THAT(page, Not(HasSubstr("\x01")));
  EXPECT_EQ(Count(page, "<script>"), 2U) << "its own";
}

TEST_F(Report, HasNoTagOfTheTemplateLeft) { EXPECT_THAT(Page(), Not(HasSubstr("{{"))); }

TEST_F(Report, OfAllCasesInOnePageIsSmall) {
  static const Phase all{"all", 330, 100};
  Verdict verdict{.phase = &all, .run = "r"};
  std::map<std::string, CaseHistory> history;
  std::vector<Catalogue> catalogues;
  for (const Phase& phase : Phases()) catalogues.push_back(*Catalogue::OfPhase(phase.name));
  int i = 0;
  for (const Catalogue& catalogue : catalogues) {
    for (const CatalogueCase& entry : catalogue.cases()) {
      const auto sample = static_cast<Sample>(i % 8 == 0 ? 4 + i / 8 % 12 : i % 4);
      const Record record = SampleRecord(entry, sample, "r");
      verdict.cases.push_back({.entry = &entry,
                               .recorded = true,
                               .record = record,
                               .passed = record.outcome == Outcome::kPassed,
                               .state = std::string(NameOf(record.outcome))});
      for (int n = 0; n < 20; ++n)
        history[entry.id].push_back({.state = n % 7 ? "passed" : "violated"});
      ++i;
    }
  }
  EXPECT_LT(VerdictReport(verdict, history, folder_.path()).size(), 1'500'000U);
}

TEST_F(Report, LinksEachCaseToItsPageInTheCatalogue) {
  const TestFolder folder;
  const Catalogue catalogue = *Catalogue::OfPhase("infrastructure");
  const pawk8s::Run run = WriteSampleRun(folder.path(), "infrastructure");
  const std::string page = VerdictReport(Judge(catalogue, run), {}, folder.path());
  const auto there = std::filesystem::relative(PageOfCase("INF-POD-01"), folder.path());
  EXPECT_THAT(page,
              HasSubstr("<a href=\"" + there.string() + "\">INF-POD-01 in the catalogue</a>"));
  EXPECT_THAT(Page(), Not(HasSubstr("in the catalogue</a>"))) << "a phase without pages";
}

TEST_F(Report, OfAnEmptyRunIsAPageToo) {
  const TestFolder empty;
  const pawk8s::Run run = *pawk8s::Run::Open(empty.path(), "chaos", *IdentifyProcess(1), {});
  const std::string page = VerdictReport(Judge(catalogue_, run), {}, empty.path());
  EXPECT_THAT(page, HasSubstr("No verdict"));
  EXPECT_EQ(Count(page, "<details id="), 65U);
  EXPECT_THAT(page, HasSubstr("the run was not swept"));
}

TEST(Charts, ShowTheValueTheMarkAndWhatIsAllowed) {
  const Measure half{.name = "m", .value = 30, .relation = "<=", .threshold = 60};
  EXPECT_THAT(MeasureChart(half), HasSubstr(R"(class="val ok" x="0" y="4" width="87.0")"));
  EXPECT_THAT(MeasureChart(half), HasSubstr(R"(class="mark" d="M173.9 0v16")"));
  const Measure least{.name = "m", .value = 3, .relation = ">=", .threshold = 5};
  EXPECT_THAT(MeasureChart(least), HasSubstr(R"(class="val no")"));
  EXPECT_THAT(MeasureChart(least), HasSubstr(R"(class="zone" x="173.9")"));
  EXPECT_THAT(MeasureChart({.name = "m", .relation = "<=", .threshold = 5, .never = true}),
              HasSubstr("class=\"never\""));
  EXPECT_THAT(MeasureChart({.name = "m", .value = 0}), Not(HasSubstr("nan")));
  EXPECT_THAT(SeriesChart(half), IsEmpty());
  EXPECT_THAT(TimelineChart({.id = "x"}), IsEmpty());
  EXPECT_THAT(HistoryChart({}), IsEmpty());
}

}  // namespace
}  // namespace pawk8s
