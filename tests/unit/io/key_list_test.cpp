// The list of admitted keys: who is on it, and every way in which it can be wrong.

#include "common/io/key_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/io/link_keys.h"

namespace banyan::io {
namespace {

using testing::HasSubstr;

std::string key_of(char digit) { return std::string(64, digit); }

std::string mistake_in(const std::string& text) {
  const auto list = KeyList::parse(text, "keys");
  return list ? "none" : list.error().text();
}

TEST(KeyList, KnowsWhoseAKeyIs) {
  const auto list = KeyList::parse(
      "# who\n\n" + key_of('a') + " dc1 relay # rack 7\r\n\t" + key_of('b') + "\tweb-1", "keys");
  ASSERT_TRUE(list) << list.error().text();
  EXPECT_EQ(list->size(), 2u);
  const auto relay = list->find(key_of('a'));
  ASSERT_NE(relay, nullptr);
  EXPECT_EQ(relay->name, "dc1");
  EXPECT_EQ(relay->role, "relay");
  EXPECT_EQ(relay->fingerprint, std::string(16, 'a'));
  EXPECT_EQ(list->find(key_of('b'))->role, "");
  EXPECT_EQ(list->find(key_of('c')), nullptr);
  EXPECT_EQ(list->find(""), nullptr);
  EXPECT_EQ(list->names().at("web-1"), key_of('b'));
}

TEST(KeyList, AnEmptyListAdmitsNobody) {
  const auto list = KeyList::parse("# nobody yet\n", "keys");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->size(), 0u);
}

TEST(KeyList, AMistakeIsToldWithItsLine) {
  const std::string good = key_of('a') + " one\n";
  EXPECT_THAT(mistake_in(good + "zz two\n"), HasSubstr("keys:2: expected a key of 64 hex digits"));
  EXPECT_THAT(mistake_in(key_of('A') + " two"), HasSubstr("64 hex digits"));
  EXPECT_THAT(mistake_in(key_of('b')), HasSubstr("keys:1: expected a key and a name"));
  EXPECT_THAT(mistake_in(key_of('b') + " two leaf more"), HasSubstr("a key and a name"));
  EXPECT_THAT(mistake_in(key_of('b') + " a/b"), HasSubstr("\"a/b\" is not a name"));
  EXPECT_THAT(mistake_in(key_of('b') + " two root"), HasSubstr("neither leaf nor relay"));
}

TEST(KeyList, ANameHasOneKeyAndAKeyOneName) {
  const std::string good = key_of('a') + " one\n";
  EXPECT_THAT(mistake_in(good + key_of('b') + " one"), HasSubstr("has a key already, aaaa"));
  EXPECT_THAT(mistake_in(good + key_of('a') + " two"), HasSubstr("is the one of one already"));
}

TEST(LinkKeys, BytesAndTextAreTheSameKey) {
  const std::string text = "00ff10" + std::string(58, '7');
  EXPECT_TRUE(is_key(text));
  EXPECT_EQ(key_bytes(text).size(), 32u);
  EXPECT_EQ(key_text(key_bytes(text)), text);
  EXPECT_EQ(fingerprint(text), "00ff107777777777");
}

TEST(LinkKeys, EveryPairIsAnother) {
  const KeyPair one = make_key_pair();
  const KeyPair two = make_key_pair();
  EXPECT_TRUE(is_key(one.public_key) && is_key(one.secret_key));
  EXPECT_NE(one.public_key, two.public_key);
  EXPECT_NE(one.secret_key, one.public_key);
}

}  // namespace
}  // namespace banyan::io
