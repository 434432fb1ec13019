// What the library relies on in a Kubernetes API server. Each test makes its objects in a namespace
// of its own and removes it.
#include "kube/contract_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <random>

#include "kube/test_util.h"
#include "pawk8s/kube/client.h"
#include "pawk8s/kube/exec.h"
#include "pawk8s/kube/informer.h"
#include "pawk8s/kube/objects.h"
#include "pawk8s/kube/port_forward.h"
#include "pawk8s/net/http.h"

namespace pawk8s::kube {
namespace {

using absl::StatusCode;
using testing::HasSubstr;
using testing::SizeIs;

class Contract : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(target_, MakeContractTarget());
    client_.emplace(target_->config());
    std::random_device random;
    ns_ = fmt::format("pawk8s-contract-{:08x}", random());
    ASSERT_THAT(client_->Create({kNamespaces}, Made("Namespace", ns_), Soon()), IsOk());
  }
  void TearDown() override {
    if (!ns_.empty()) {
      EXPECT_THAT(client_->Delete({kNamespaces, "", ns_}, Soon()), IsOk());
    }
    EXPECT_EQ(PortForward::LiveCount(), 0);
  }

  static Json Made(const std::string& kind, const std::string& name) {
    return {{"apiVersion", "v1"}, {"kind", kind}, {"metadata", {{"name", name}}}};
  }
  static Json Map(const std::string& name, const std::string& value) {
    Json map = Made("ConfigMap", name);
    map["metadata"]["labels"] = {{"app", "contract"}};
    map["data"] = {{"v", value}};
    return map;
  }
  static std::string ValueOf(const Object& object) {
    return FindString(object.json(), {"data", "v"}).value_or("");
  }
  Collection Maps() const { return {kConfigMaps, ns_, "app=contract"}; }

  // A running pod in the test's namespace, allowed even by PodSecurity "restricted".
  void StartPod(const std::string& name) {
    Json pod = Made("Pod", name);
    pod["metadata"]["labels"] = {{"app", "contract"}};
    pod["spec"] = {{"terminationGracePeriodSeconds", 0},
                   {"automountServiceAccountToken", false},
                   {"securityContext",
                    {{"runAsNonRoot", true},
                     {"runAsUser", 65534},
                     {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
                   {"containers", Json::array({{{"name", "main"},
                                                {"image", target_->image()},
                                                {"command", {"sh", "-c", "cat"}},
                                                {"stdin", true},  // cat waits for ever
                                                {"securityContext",
                                                 {{"allowPrivilegeEscalation", false},
                                                  {"capabilities", {{"drop", {"ALL"}}}}}}}})}};
    ASSERT_OK_AND_ASSIGN(auto pods, Informer::Start(*client_, {kPods, ns_}, Soon()));
    // The controller that makes a new namespace's service account may be behind.
    const Deadline deadline = In(std::chrono::seconds(60));
    absl::Status created = client_->Create({kPods, ns_}, pod, Soon()).status();
    if (absl::IsPermissionDenied(created)) {
      ASSERT_OK_AND_ASSIGN(auto accounts,
                           Informer::Start(*client_, {kServiceAccounts, ns_}, Soon()));
      if (accounts->Get().objects.empty()) {
        ASSERT_THAT(accounts->AwaitChange(0, deadline), IsOk());
      }
      created = client_->Create({kPods, ns_}, pod, Soon()).status();
    }
    ASSERT_THAT(created, IsOk());
    for (;;) {
      const auto now = pods->Get();
      const Object* found = now.Find(name);
      if (found != nullptr && Pod(*found).IsReady()) return;
      ASSERT_THAT(pods->AwaitChange(now.version, deadline), IsOk())
          << (found == nullptr ? "no pod" : found->json().dump());
    }
  }

  std::unique_ptr<ContractTarget> target_;
  std::optional<Client> client_;
  std::string ns_;
};

TEST_F(Contract, CreatedObjectIsReadBack) {
  ASSERT_OK_AND_ASSIGN(const Object made, client_->Create(Maps(), Map("a", "1"), Soon()));
  EXPECT_FALSE(made.uid().empty());
  EXPECT_FALSE(made.resource_version().empty());
  ASSERT_OK_AND_ASSIGN(const Object got, client_->Get(Maps().Named("a"), Soon()));
  EXPECT_EQ(got.uid(), made.uid());
  EXPECT_EQ(got.kind(), "ConfigMap");
  EXPECT_EQ(got.ns(), ns_);
  EXPECT_EQ(ValueOf(got), "1");
  EXPECT_TRUE(got.creation_time());
}

TEST_F(Contract, ErrorsHaveTheirCodes) {
  EXPECT_THAT(
      client_->Get(Maps().Named("absent"), Soon()),
      Fails(StatusCode::kNotFound, HasSubstr("404 Not Found: configmaps \"absent\" not found")));
  ASSERT_THAT(client_->Create(Maps(), Map("a", "1"), Soon()), IsOk());
  EXPECT_THAT(client_->Create(Maps(), Map("a", "1"), Soon()),
              Fails(StatusCode::kAlreadyExists, HasSubstr("already exists")));
  EXPECT_THAT(client_->Create({kConfigMaps, ns_ + "-absent"}, Map("a", "1"), Soon()),
              Fails(StatusCode::kNotFound, HasSubstr("namespaces")));
  const auto invalid = client_->Create(Maps(), Map("Not_Valid", "1"), Soon());
  EXPECT_THAT(invalid, Fails(StatusCode::kInvalidArgument, HasSubstr("422")));
  const auto why = ApiErrorOf(invalid.status());
  ASSERT_TRUE(why);
  EXPECT_EQ(why->reason, "Invalid");
  ASSERT_FALSE(why->causes.empty());
  EXPECT_EQ(why->causes[0].field, "metadata.name");
  EXPECT_THAT(client_->WithToken("nonsense").Get(Maps().Named("a"), Soon()),
              Fails(StatusCode::kUnauthenticated, HasSubstr("401")));
  EXPECT_THAT(client_->GetRaw("/no/such/path", Soon()),
              Fails(StatusCode::kNotFound, HasSubstr("404")));
}

TEST_F(Contract, ListGathersAllPagesOfWhatIsSelected) {
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    ASSERT_THAT(client_->Create(Maps(), Map(name, name), Soon()), IsOk());
  }
  ASSERT_OK_AND_ASSIGN(const ObjectList all, client_->List(Maps(), Soon(), 2));
  ASSERT_THAT(all.items, SizeIs(5));
  EXPECT_EQ(all.items[4].name(), "e");
  EXPECT_EQ(all.items[0].kind(), "ConfigMap");
  EXPECT_FALSE(all.resource_version.empty());
  ASSERT_OK_AND_ASSIGN(const ObjectList one,
                       client_->List({kConfigMaps, ns_, "", "metadata.name=c"}, Soon()));
  EXPECT_THAT(one.items, SizeIs(1));
  ASSERT_OK_AND_ASSIGN(const ObjectList none, client_->List({kConfigMaps, ns_, "app=x"}, Soon()));
  EXPECT_THAT(none.items, SizeIs(0));
}

TEST_F(Contract, PatchesOfEachKind) {
  const ObjectRef ref = Maps().Named("a");
  ASSERT_THAT(client_->Create(Maps(), Map("a", "1"), Soon()), IsOk());
  ASSERT_OK_AND_ASSIGN(Object now,
                       client_->Patch(ref, PatchType::kMerge, {{"data", {{"v", "2"}}}}, Soon()));
  EXPECT_EQ(ValueOf(now), "2");
  const Json json_patch = Json::array({{{"op", "replace"}, {"path", "/data/v"}, {"value", "3"}}});
  ASSERT_OK_AND_ASSIGN(now, client_->Patch(ref, PatchType::kJson, json_patch, Soon()));
  EXPECT_EQ(ValueOf(now), "3");
  ASSERT_OK_AND_ASSIGN(
      now, client_->Patch(ref, PatchType::kStrategic, {{"data", {{"v", "4"}}}}, Soon()));
  EXPECT_EQ(ValueOf(now), "4");
}

TEST_F(Contract, UpdateOfAStaleVersionIsAborted) {
  ASSERT_OK_AND_ASSIGN(const Object first, client_->Create(Maps(), Map("a", "1"), Soon()));
  const ObjectRef ref = Maps().Named("a");
  ASSERT_THAT(client_->Patch(ref, PatchType::kMerge, {{"data", {{"v", "2"}}}}, Soon()), IsOk());
  EXPECT_THAT(client_->Update(ref, first.json(), Soon()),
              Fails(StatusCode::kAborted, HasSubstr("409")));
}

TEST_F(Contract, DryRunChangesNothing) {
  ASSERT_THAT(client_->Create(Maps(), Map("dry", "1"), Soon(), {.dry_run = true}), IsOk());
  EXPECT_THAT(client_->Get(Maps().Named("dry"), Soon()), Fails(StatusCode::kNotFound, testing::_));
  ASSERT_THAT(client_->Create(Maps(), Map("a", "1"), Soon()), IsOk());
  ASSERT_THAT(client_->Delete(Maps().Named("a"), Soon(), {.dry_run = true}), IsOk());
  EXPECT_THAT(client_->Get(Maps().Named("a"), Soon()), IsOk());
}

TEST_F(Contract, ServerSideApplyGuardsTheFieldsOfOthers) {
  const ObjectRef ref = Maps().Named("a");
  ASSERT_THAT(client_->Apply(ref, Map("a", "1"), Soon(), {.field_manager = "one"}), IsOk());
  const auto refused = client_->Apply(ref, Map("a", "2"), Soon(), {.field_manager = "two"});
  EXPECT_THAT(refused, Fails(StatusCode::kAborted, HasSubstr("409 Conflict")));
  EXPECT_TRUE(ApiErrorOf(refused.status())->HasCause("FieldManagerConflict"));
  ASSERT_OK_AND_ASSIGN(const Object taken, client_->Apply(ref, Map("a", "2"), Soon(),
                                                          {.field_manager = "two", .force = true}));
  EXPECT_EQ(ValueOf(taken), "2");
}

TEST_F(Contract, DeleteKeepsItsPreconditions) {
  ASSERT_OK_AND_ASSIGN(const Object made, client_->Create(Maps(), Map("a", "1"), Soon()));
  const ObjectRef ref = Maps().Named("a");
  EXPECT_THAT(client_->Delete(ref, Soon(), {.uid = "00000000-0000-0000-0000-000000000000"}),
              Fails(StatusCode::kAborted, HasSubstr("409")));
  EXPECT_THAT(
      client_->Delete(ref, Soon(), {.uid = made.uid(), .propagation = Propagation::kBackground}),
      IsOk());
  EXPECT_THAT(client_->Delete(ref, Soon()), Fails(StatusCode::kNotFound, testing::_));
}

TEST_F(Contract, InformerSeesEveryChangeInOrder) {
  ASSERT_THAT(client_->Create(Maps(), Map("before", "1"), Soon()), IsOk());
  ASSERT_OK_AND_ASSIGN(auto informer, Informer::Start(*client_, Maps(), Soon()));
  ASSERT_THAT(informer->Get().objects, SizeIs(1));
  EXPECT_EQ(informer->Get().objects[0].kind(), "ConfigMap");

  const auto start = std::chrono::steady_clock::now();
  ASSERT_THAT(client_->Create(Maps(), Map("a", "1"), Soon()), IsOk());
  ASSERT_THAT(
      client_->Patch(Maps().Named("a"), PatchType::kMerge, {{"data", {{"v", "2"}}}}, Soon()),
      IsOk());
  Json unlabelled = Map("other", "1");
  unlabelled["metadata"].erase("labels");
  ASSERT_THAT(client_->Create(Maps(), unlabelled, Soon()), IsOk());
  ASSERT_THAT(client_->Delete(Maps().Named("a"), Soon()), IsOk());
  const Deadline deadline = Soon();
  for (auto now = informer->Get(); now.version < 3; now = informer->Get()) {
    ASSERT_THAT(informer->AwaitChange(now.version, deadline), IsOk());
  }
  const auto changes = informer->Changes().changes;
  ASSERT_THAT(changes, SizeIs(3));
  EXPECT_EQ(changes[0].type, Change::Type::kAdded);
  EXPECT_EQ(changes[1].type, Change::Type::kModified);
  EXPECT_EQ(ValueOf(changes[1].object), "2");
  EXPECT_EQ(changes[2].type, Change::Type::kDeleted);
  EXPECT_EQ(changes[2].object.name(), "a");
  EXPECT_LE(start, changes[0].at);
  EXPECT_LE(changes[0].at, changes[1].at);
  EXPECT_LE(changes[1].at, changes[2].at);
  EXPECT_THAT(informer->Get().objects, SizeIs(1));
  EXPECT_THAT(informer->status(), IsOk());
}

TEST_F(Contract, WatchEndsWhenItsReaderHasSeenEnough) {
  ASSERT_OK_AND_ASSIGN(const ObjectList now, client_->List(Maps(), Soon()));
  int opened = 0;
  const auto on_event = [&](const WatchEvent& event) {
    if (event.type != WatchEvent::Type::kOpened) return false;
    ++opened;
    Client other = client_->Clone();
    EXPECT_THAT(other.Create(Maps(), Map("a", "1"), Soon()), IsOk());
    return true;
  };
  EXPECT_THAT(client_->Watch(Maps(), now.resource_version, on_event, Soon()), IsOk());
  EXPECT_EQ(opened, 1);
}

TEST_F(Contract, DiscoveryAndRawPaths) {
  ASSERT_OK_AND_ASSIGN(const GroupVersionResource sets,
                       client_->Discover("apps/v1", "StatefulSet", Soon()));
  EXPECT_EQ(sets.resource, "statefulsets");
  EXPECT_EQ(sets.group, "apps");
  EXPECT_TRUE(sets.namespaced);
  ASSERT_OK_AND_ASSIGN(const GroupVersionResource maps,
                       client_->Discover("v1", "ConfigMap", Soon()));
  EXPECT_EQ(maps.ApiVersion(), "v1");
  EXPECT_EQ(maps.resource, "configmaps");
  EXPECT_THAT(client_->Discover("apps/v1", "Nonsense", Soon()),
              Fails(StatusCode::kNotFound, HasSubstr("Nonsense")));
  ASSERT_OK_AND_ASSIGN(const std::string ready, client_->GetRaw("/readyz", Soon()));
  EXPECT_EQ(ready, "ok");
  ASSERT_OK_AND_ASSIGN(const Json version, client_->GetJson("/version", Soon()));
  EXPECT_THAT(FindString(version, {"gitVersion"}), testing::Optional(HasSubstr("v1.")));
}

TEST_F(Contract, OtherIdentitiesAreReal) {
  ASSERT_THAT(client_->Create({kServiceAccounts, ns_}, Made("ServiceAccount", "robot"), Soon()),
              IsOk());
  ASSERT_OK_AND_ASSIGN(
      const std::string token,
      client_->RequestToken({kServiceAccounts, ns_, "robot"}, std::chrono::minutes(10), Soon()));
  Client robot = client_->WithToken(token);
  ASSERT_OK_AND_ASSIGN(const UserInfo user, robot.WhoAmI(Soon()));
  EXPECT_EQ(user.username, "system:serviceaccount:" + ns_ + ":robot");
  EXPECT_THAT(robot.List({kSecrets, ns_}, Soon()),
              Fails(StatusCode::kPermissionDenied, HasSubstr("403 Forbidden: secrets")));

  Client nobody = client_->As("pawk8s-nobody");
  ASSERT_OK_AND_ASSIGN(const UserInfo impersonated, nobody.WhoAmI(Soon()));
  EXPECT_EQ(impersonated.username, "pawk8s-nobody");
  const Access access{"list", {kSecrets, ns_, ""}};
  ASSERT_OK_AND_ASSIGN(const AccessReview theirs, nobody.Allowed(access, Soon()));
  EXPECT_FALSE(theirs.allowed);
  ASSERT_OK_AND_ASSIGN(const AccessReview ours, client_->Allowed(access, Soon()));
  EXPECT_TRUE(ours.allowed);
}

TEST_F(Contract, ExecGivesBothOutputsAndTheExitCode) {
  StartPod("p");
  ExecRequest request{
      .ns = ns_, .pod = "p", .argv = {"sh", "-c", "echo out; echo err >&2; exit 3"}};
  ASSERT_OK_AND_ASSIGN(ExecResult ran, Exec(*client_, request, Soon()));
  EXPECT_EQ(ran.exit_code, 3);
  EXPECT_EQ(ran.out, "out\n");
  EXPECT_EQ(ran.err, "err\n");

  request.argv = {"cat"};
  request.input = std::string(300000, 'x') + "end";
  ASSERT_OK_AND_ASSIGN(ran, Exec(*client_, request, Soon()));
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_EQ(ran.out.size(), request.input->size());
  EXPECT_TRUE(ran.out == *request.input);

  request.input.reset();
  request.argv = {"/no/such/program"};
  EXPECT_THAT(Exec(*client_, request, Soon()),
              Fails(StatusCode::kFailedPrecondition, HasSubstr("/no/such/program")));
  request.pod = "absent";
  EXPECT_THAT(Exec(*client_, request, Soon()), Fails(StatusCode::kNotFound, HasSubstr("absent")));
}

TEST_F(Contract, ExecStreamIsTalkedWithInTurns) {
  StartPod("p");
  ASSERT_OK_AND_ASSIGN(
      ExecStream cat,
      ExecStream::Open(*client_, {.ns = ns_, .pod = "p", .argv = {"cat"}, .input = ""}, Soon()));
  const auto now = [] { return Deadline::After(std::chrono::seconds(0)); };
  EXPECT_THAT(cat.Read(now()), Fails(StatusCode::kDeadlineExceeded, HasSubstr("exec 'cat'")));
  for (const char* line : {"one\n", "two\n"}) {
    ASSERT_THAT(cat.Write(line, Soon()), IsOk());
    ASSERT_OK_AND_ASSIGN(const ExecStream::Piece piece, cat.Read(Soon()));
    EXPECT_EQ(piece.out, line);
    EXPECT_FALSE(piece.ended);
  }
  ASSERT_THAT(cat.CloseInput(Soon()), IsOk());
  ASSERT_OK_AND_ASSIGN(const ExecStream::Piece end, cat.Read(Soon()));
  EXPECT_EQ(end.ended, 0);
}

TEST_F(Contract, EvictionObeysTheDisruptionBudget) {
  StartPod("p");
  const Collection budgets{kPodDisruptionBudgets, ns_};
  Json budget = {
      {"apiVersion", "policy/v1"},
      {"kind", "PodDisruptionBudget"},
      {"metadata", {{"name", "keep"}}},
      {"spec", {{"minAvailable", 1}, {"selector", {{"matchLabels", {{"app", "contract"}}}}}}}};
  ASSERT_THAT(client_->Create(budgets, budget, Soon()), IsOk());
  const ObjectRef pod{kPods, ns_, "p"};
  const absl::Status refused = client_->Evict(pod, Soon());
  EXPECT_THAT(refused, Fails(StatusCode::kResourceExhausted, HasSubstr("429")));
  ASSERT_TRUE(ApiErrorOf(refused));
  EXPECT_TRUE(ApiErrorOf(refused)->HasCause("DisruptionBudget"));
  ASSERT_THAT(client_->Delete(budgets.Named("keep"), Soon()), IsOk());
  // The eviction handler's own cache may lag behind the deletion.
  const Deadline deadline = Soon();
  absl::Status evicted = client_->Evict(pod, deadline);
  while (absl::IsResourceExhausted(evicted) && !deadline.Over())
    evicted = client_->Evict(pod, deadline);
  EXPECT_THAT(evicted, IsOk());
}

TEST_F(Contract, HttpRunsOverAPortForward) {
  ASSERT_OK_AND_ASSIGN(const ObjectList pods,
                       client_->List({kPods, "kube-system", "k8s-app=kube-dns"}, Soon()));
  const auto ready = std::find_if(pods.items.begin(), pods.items.end(),
                                  [](const Object& pod) { return Pod(pod).IsReady(); });
  ASSERT_NE(ready, pods.items.end()) << "no running DNS pod to forward to";
  net::HttpClient http({.dial = DialPod(*client_, "kube-system", ready->name(), 8080)});
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto answer, http.Send({.url = "http://pod/health"}, Soon()));
    EXPECT_EQ(answer.status, 200);
  }
  // Longer than any buffer on the way, so that it is cut into pieces.
  ASSERT_OK_AND_ASSIGN(
      const auto posted,
      http.Send({.method = "POST", .url = "http://pod/health", .body = std::string(200000, 'x')},
                Soon()));
  EXPECT_GE(posted.status, 200);
  EXPECT_EQ(PortForward::LiveCount(), 1);
  net::HttpClient closed({.dial = DialPod(*client_, "kube-system", ready->name(), 9)});
  EXPECT_THAT(closed.Send({.url = "http://pod/health"}, Soon()),
              Fails(StatusCode::kUnavailable, HasSubstr("port-forward to kube-system/")));
  EXPECT_THAT(PortForward::Open(*client_, "kube-system", "absent", 80, Soon()),
              Fails(StatusCode::kNotFound, HasSubstr("absent")));
}

}  // namespace
}  // namespace pawk8s::kube
