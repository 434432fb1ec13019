// Each kind of credential is hidden, and what looks like one and is none stays.
#include "pawk8s/base/redact.h"

#include <gmock/gmock.h>

#include <string>

namespace pawk8s {
namespace {

using testing::Eq;
using testing::HasSubstr;
using testing::Not;

// Not written out, so that no file of the project holds the header of a private key.
std::string Pem(const std::string& kind, const std::string& body) {
  const std::string dashes(5, '-');
  return dashes + "BEGIN " + kind + dashes + "\n" + body + "\n" + dashes + "END " + kind + dashes;
}

TEST(Redact, PrivateKeysButNoCertificates) {
  for (const char* kind : {"PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY",
                           "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY"}) {
    EXPECT_THAT(Redact("a " + Pem(kind, "MHcCAQEE-x") + " b"), Eq("a [redacted] b")) << kind;
  }
  const std::string certificate = Pem("CERTIFICATE", "MIIB");
  EXPECT_THAT(Redact(certificate), Eq(certificate));
  const std::string cut = Pem("PRIVATE KEY", "MHcC").substr(0, 34);
  EXPECT_THAT(Redact(cut), Not(HasSubstr("MHcC"))) << "cut off at the end of a log";
}

TEST(Redact, HeadersAndTokens) {
  EXPECT_THAT(Redact("Authorization: Bearer abcdefghijk.lmn\nnext"),
              Eq("Authorization: [redacted]\nnext"));
  EXPECT_THAT(Redact("used bearer abcdefghijk.lmn here"), Eq("used bearer [redacted] here"));
  EXPECT_THAT(Redact("basic dXNlcjpwYXNz"), Eq("basic [redacted]"));
  EXPECT_THAT(Redact("a bearer of news"), Eq("a bearer of news"));
  EXPECT_THAT(Redact("got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln, 401"),
              Eq("got [redacted], 401"));
  EXPECT_THAT(Redact("Set-Cookie: sid=31d4d96e407aad42; Path=/"), Eq("Set-Cookie: [redacted]"));
  EXPECT_THAT(Redact("postgres://paw:s3cret@db:5432/paw"),
              Eq("postgres://paw:[redacted]@db:5432/paw"));
  EXPECT_THAT(Redact("https://127.0.0.1:6443/api"), Eq("https://127.0.0.1:6443/api"));
}

TEST(Redact, FieldsOfJsonYamlAndArguments) {
  EXPECT_THAT(Redact(R"({"token": "s3cret value", "id": 1})"),
              Eq(R"({"token": "[redacted]", "id": 1})"));
  EXPECT_THAT(Redact(R"({"access_token":"a\"b","n":2})"),
              Eq(R"({"access_token":"[redacted]","n":2})"));
  EXPECT_THAT(Redact(R"("{\"password\":\"s3cret\",\"user\":\"u\"}")"),
              Eq(R"("{\"password\":\"[redacted]\",\"user\":\"u\"}")"))
      << "JSON in a string";
  EXPECT_THAT(Redact("client-key-data: QUJD\nclient-certificate-data: QUJD"),
              Eq("client-key-data: [redacted]\nclient-certificate-data: QUJD"));
  EXPECT_THAT(Redact("--vault-token=hvs.CAES --level=info"),
              Eq("--vault-token=[redacted] --level=info"));
  EXPECT_THAT(Redact("DB_PASSWORD=s3cret;x"), Eq("DB_PASSWORD=[redacted];x"));
  EXPECT_THAT(Redact("passphrase 'x', apiKey: abc}"), Eq("passphrase 'x', apiKey: [redacted]}"));
}

TEST(Redact, KeysOfTheChain) {
  EXPECT_THAT(
      Redact(
          R"("priv_key": {"type": "tendermint/PrivKeyEd25519", "value": "q83vEjRWeJA="}, "a": 1)"),
      Eq(R"("priv_key": [redacted], "a": 1)"));
  EXPECT_THAT(Redact(R"("pub_key": {"type": "t", "value": "q83v"})"),
              Eq(R"("pub_key": {"type": "t", "value": "q83v"})"));
  const std::string words =
      "abandon ability able about above absent absorb abstract absurd abuse access accident";
  EXPECT_THAT(Redact("mnemonic: " + words + "\nnext"), Eq("mnemonic: [redacted]\nnext"));
  EXPECT_THAT(Redact("import \"" + words + "\""), Eq("import \"[redacted]\""));
  EXPECT_THAT(Redact("the words are\n" + words + "\n"), Not(HasSubstr("absorb")));
  const std::string prose =
      "The pod is not ready because the volume of the node is full and the kubelet evicts it";
  EXPECT_THAT(Redact(prose), Eq(prose));
}

TEST(Redact, EnvironmentEntries) {
  EXPECT_THAT(Redact("{\"name\": \"DB_PASSWORD\",\n  \"value\": \"s3cret\"}"),
              Eq("{\"name\": \"DB_PASSWORD\",\n  \"value\": \"[redacted]\"}"));
  EXPECT_THAT(Redact("- name: VAULT_TOKEN\n  value: hvs.CAES\n- name: LEVEL\n  value: info"),
              Eq("- name: VAULT_TOKEN\n  value: [redacted]\n- name: LEVEL\n  value: info"));
}

TEST(Redact, WhatOnlyLooksLikeASecretStays) {
  for (const char* text :
       {R"("automountServiceAccountToken": false)", R"("secretName": "paw-keys")",
        R"("secret": {"secretName": "paw-keys"})", R"("path": "token")", "seed 1842",
        "bonded_tokens: 1000", "token == other", "app_hash 31D4D96E407AAD42",
        "paw-validator-0 Ready after 3.1s", "token", "\"token\": null", ""}) {
    EXPECT_THAT(Redact(text), Eq(text));
  }
}

TEST(Redact, TakesTimeInProportionToTheText) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "-----BEGIN :// token abandon \\\" eyJ bearer ";
  EXPECT_THAT(Redact(text).size(), testing::Gt(text.size() / 2));
}

}  // namespace
}  // namespace pawk8s
