#include "pawk8s/chain/key.h"

#include <gmock/gmock.h>

#include <set>
#include <string>

#include "chain/golden.h"
#include "kube/test_util.h"
#include "pawk8s/chain/bech32.h"

namespace pawk8s::chain {
namespace {

using testing::SizeIs;
using testing::StartsWith;

TEST(KeyTest, MatchesTheSdk) {
  const auto golden = Golden("transactions.json")["from_text"];
  const Key key = KeyOf("pawk8s golden 0");
  EXPECT_EQ(HexEncode(key.public_key()), golden["public_key"]);
  EXPECT_EQ(key.Address(), golden["address"]);
  EXPECT_EQ(key.Address("pawtestvaloper"), golden["operator"]);
}

TEST(KeyTest, IsDerivedFromAMnemonicAsTheSdkDoes) {
  const auto golden = Golden("transactions.json")["from_mnemonic"];
  std::string words;
  for (int i = 0; i < 11; ++i) words += "abandon ";
  ASSERT_OK_AND_ASSIGN(const Key key, Key::FromMnemonic(words + "about"));
  EXPECT_EQ(HexEncode(key.public_key()), golden["public_key"]);
  EXPECT_EQ(key.Address(), golden["address"]);
}

TEST(KeyTest, RefusesWhatIsNoSecret) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(Key::FromSecret(std::string(31, 'x')), Fails(kInvalid, testing::_));
  EXPECT_THAT(Key::FromSecret(std::string(32, '\0')), Fails(kInvalid, testing::_));
  EXPECT_THAT(Key::FromSecret(std::string(32, '\xff')), Fails(kInvalid, testing::_));  // > order
  EXPECT_THAT(Key::FromMnemonic(""), Fails(kInvalid, testing::_));
}

TEST(KeyTest, GeneratedKeysDifferAndSign) {
  std::set<std::string> addresses;
  for (int i = 0; i < 20; ++i) {
    const Key key = Key::Generate();
    EXPECT_THAT(key.Address(), StartsWith("pawtest1"));
    EXPECT_THAT(key.Sign("message"), SizeIs(64));
    EXPECT_EQ(key.Sign("message"), key.Sign("message"));
    EXPECT_NE(key.Sign("message"), key.Sign("another"));
    addresses.insert(key.Address());
  }
  EXPECT_THAT(addresses, SizeIs(20));
}

TEST(Bech32Test, ReadsWhatItWrites) {
  for (std::size_t size = 0; size <= 40; ++size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * 37 + size);
    const std::string text = Bech32Encode("pawtest", bytes);
    ASSERT_OK_AND_ASSIGN(const Bech32 read, Bech32Decode(text));
    EXPECT_EQ(read.prefix, "pawtest");
    EXPECT_EQ(read.bytes, bytes);
  }
}

TEST(Bech32Test, EveryChangedCharacterIsSeen) {
  const std::string text = Bech32Encode("pawtest", "twenty bytes address");
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = damaged[i] == 'q' ? 'p' : 'q';
    EXPECT_FALSE(Bech32Decode(damaged).ok()) << damaged;
  }
  for (const char* nonsense : {"", "1", "pawtest", "pawtest1", "1qqqqqq", "PAWTEST1QQQQQQ"}) {
    EXPECT_FALSE(Bech32Decode(nonsense).ok()) << nonsense;
  }
}

}  // namespace
}  // namespace pawk8s::chain
