// What passes between client and agent: typed both ways, and nothing else gets through.
#include "pawk8s/agent/protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dispatch.h"
#include "pawk8s/agent/fault.h"
#include "pawk8s/agent/network_verbs.h"
#include "pawk8s/agent/verbs.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

using testing::HasSubstr;

const Target kTarget{.pod_uid = "0a1b", .container_id = "0123456789abcdef", .process = "pawd"};

ArmRequest Armed(Injection injection) {
  return {.id = "run-1", .ttl_ms = 1000, .injection = std::move(injection)};
}

std::string Refusal(const Json& args, std::string_view verb = "arm") {
  const auto answer = AnswerHere({}, {std::string(verb), args});
  return std::string(MessageOf(answer.status()));
}

template <class T>
std::string DecodeError(const Json& json) {
  return std::string(MessageOf(Decode<T>(json).status()));
}

TEST(AgentCodec, EveryKindOfFaultSurvivesTheRoundTrip) {
  const Injection all[] = {
      Freeze{kTarget},
      MemoryLimit{kTarget, 65536},
      MemoryLimit{kTarget},
      CpuLimit{kTarget, 250},
      CpuLoad{kTarget, 3},
      FileWrite{kTarget, "/data/pawk8s-x", Bytes{std::string("a\0\xff", 3)}},
      PacketDrop{
          Place{"0a1b"},
          PacketMatch{"eth0", Direction::kIngress, Protocol::kTcp, {"10.0.0.0/24"}, {26656}}}};
  for (const Injection& injection : all) {
    const Json json = Encode(Armed(injection));
    EXPECT_TRUE(json.contains(std::string(KindOf(injection)))) << json;
    const auto back = Decode<ArmRequest>(json);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->injection, injection) << json;
    EXPECT_EQ(Encode(*back), json);
  }
}

TEST(AgentCodec, RefusesWhatItDoesNotKnowByName) {
  Json json = Encode(Armed(Freeze{kTarget}));
  json["freeze"]["target"]["colour"] = "red";
  EXPECT_EQ(DecodeError<ArmRequest>(json), "freeze.target.colour is unknown");
}

TEST(AgentCodec, RefusesWrongTypesMissingKeysAndBoundsByName) {
  Json json = Encode(Armed(CpuLoad{kTarget, 3}));
  json["cpu_load"]["threads"] = 65;
  EXPECT_EQ(DecodeError<ArmRequest>(json), "cpu_load.threads must be a whole number from 1 to 64");
  json["cpu_load"]["threads"] = "3";
  EXPECT_EQ(DecodeError<ArmRequest>(json), "cpu_load.threads must be a whole number");
  json["cpu_load"]["threads"] = 3.5;
  EXPECT_EQ(DecodeError<ArmRequest>(json), "cpu_load.threads must be a whole number");
  json["cpu_load"].erase("threads");
  EXPECT_EQ(DecodeError<ArmRequest>(json), "cpu_load.threads is missing");
  json["cpu_load"] = Json::array();
  EXPECT_EQ(DecodeError<ArmRequest>(json), "cpu_load must be an object");
}

TEST(AgentCodec, WantsExactlyOneKindOfFault) {
  Json json = Encode(Armed(Freeze{kTarget}));
  json["cpu_load"] = Encode(CpuLoad{kTarget, 1});
  EXPECT_EQ(DecodeError<ArmRequest>(json), "must be one kind of fault");
  json.erase("cpu_load");
  json.erase("freeze");
  EXPECT_EQ(DecodeError<ArmRequest>(json), "must be one kind of fault");
}

TEST(AgentCodec, ListsAndEnumsNameTheElement) {
  Json json = Encode(Armed(PacketDrop{Place{}, PacketMatch{.peers = {"10.0.0.1"}, .ports = {1}}}));
  json["packet_drop"]["match"]["ports"] = {1, 70000};
  EXPECT_EQ(DecodeError<ArmRequest>(json),
            "packet_drop.match.ports[1] must be a whole number from 1 to 65535");
  json["packet_drop"]["match"]["ports"] = {1};
  json["packet_drop"]["match"]["direction"] = "up";
  EXPECT_EQ(DecodeError<ArmRequest>(json),
            "packet_drop.match.direction must be one of ingress, egress, both");
}

TEST(AgentCodec, TextMayHoldNoNulAndNumbersMustFit) {
  EXPECT_THAT(DecodeError<Place>({{"pod_uid", std::string("a\0b", 3)}}), HasSubstr("NUL"));
  EXPECT_THAT(DecodeError<Mount>(Json::object()), HasSubstr("path is missing"));
  Json big = Encode(Armed(Freeze{kTarget}));
  big["ttl_ms"] = 18446744073709551615ull;
  EXPECT_THAT(DecodeError<ArmRequest>(big), HasSubstr("ttl_ms must be a whole number from"));
}

TEST(AgentProtocol, RequestsAndAnswersPassThrough) {
  const auto request = ParseRequest(RequestText("statvfs", {{"path", "/"}}));
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->verb, "statvfs");
  EXPECT_EQ(request->args, Json({{"path", "/"}}));

  const auto answer = ParseAnswer(AnswerText(Json{{"a", 1}}));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(*answer, Json({{"a", 1}}));
  const auto refused = ParseAnswer(AnswerText(absl::FailedPreconditionError("no")));
  EXPECT_EQ(refused.status(), absl::FailedPreconditionError("no"));
  EXPECT_FALSE(IsTargetGone(refused.status()));
  const auto gone = ParseAnswer(AnswerText(TargetGone("it ended")));
  EXPECT_TRUE(absl::IsNotFound(gone.status()));
  EXPECT_TRUE(IsTargetGone(gone.status()));
}

TEST(AgentProtocol, AnswersMayHoldBytesThatAreNoText) {
  const auto answer = ParseAnswer(AnswerText(Json{{"name", "\xff\xfe"}}));
  EXPECT_TRUE(answer.ok()) << answer.status();
}

TEST(AgentProtocol, RefusesWhatIsNoRequest) {
  for (const char* text :
       {"", "x", "[]", "{}", R"({"protocol":1})", R"({"protocol":1,"verb":"ping"})",
        R"({"protocol":1,"verb":"ping","args":[]})", R"({"protocol":1,"verb":7,"args":{}})",
        R"({"protocol":1,"verb":"ping","args":{},"more":1})"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseRequest(text).status())) << text;
  }
  EXPECT_THAT(
      std::string(MessageOf(ParseRequest(R"({"protocol":2,"verb":"ping","args":{}})").status())),
      HasSubstr("protocol must be a whole number from 1 to 1"));
  EXPECT_FALSE(ParseRequest(std::string(kMaxRequestBytes + 1, ' ')).ok());
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_FALSE(ParseRequest(R"({"protocol":1,"verb":"ping","args":{"a":)" + deep + "}}").ok());
}

TEST(AgentProtocol, TheListOfVerbsIsClosed) {
  EXPECT_EQ(Refusal(Json::object(), "shell"), "there is no verb 'shell'");
  EXPECT_THAT(Refusal(Json::object(), "statvfs"), HasSubstr("statvfs: target is missing"));
  for (const char* verb : {"ping", "arm", "revert", "faults"}) {
    EXPECT_TRUE(IsForResident({verb, {}})) << verb;
    EXPECT_EQ(Refusal(Json::object(), verb), std::string("there is no verb '") + verb + "'");
  }
}

TEST(AgentProtocol, GarbledAnswersAreDataLoss) {
  for (const char* text : {"", "ok", "{}", R"({"ok":1,"error":2})", R"({"error":"no"})"}) {
    EXPECT_TRUE(absl::IsDataLoss(ParseAnswer(text).status())) << text;
  }
}

}  // namespace
}  // namespace pawk8s::agent
