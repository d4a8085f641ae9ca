// What leaf and keeper say to each other, where their versions differ, and what a launch costs.

#include "leaf/io/keeper_wire.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstring>
#include <string>

#include "leaf/io/launch_block.h"
#include "leaf/io/launch_cargo.h"
#include "tests/integration/leaf_io_world.h"

namespace banyan::leaf {
namespace {

using keeper::BlockRoom;
using keeper::Message;
using keeper::Packet;

class KeeperWire : public testing::Test {
 protected:
  KeeperWire() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    leaf_.reset(ends[0]);
    keeper_.reset(ends[1]);
  }

  static Message launch_of(std::size_t block_size) {
    Message message;
    message.kind = keeper::Kind::launch;
    message.has = keeper::has_block;
    message.block_size = block_size;
    message.max_rss_bytes = 77;  // its last field
    return message;
  }
  // As a leaf of another version would send it: with a message of this size.
  void send_raw(const Message& message, std::size_t message_size, const std::string& block) {
    std::string bytes(reinterpret_cast<const char*>(&message), sizeof message);
    bytes.resize(message_size, 'n');
    bytes += block;
    ASSERT_EQ(::send(leaf_.get(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
  }
  int receive() { return keeper::receive_packet(keeper_.get(), got_, &room_); }
  std::string block() const {
    return got_.block == nullptr ? "" : std::string(got_.block, got_.message.block_size);
  }

  Descriptor leaf_;
  Descriptor keeper_;
  Packet got_;
  BlockRoom room_;
};

TEST_F(KeeperWire, ABlockComesWithItsPacket) {
  const std::string sent(3000, 'b');
  Packet packet;
  packet.message = launch_of(sent.size());
  packet.block = sent.data();
  packet.add(keeper_.get());
  ASSERT_EQ(keeper::send_packet(leaf_.get(), packet), 0);
  ASSERT_EQ(receive(), 1);
  EXPECT_EQ(block(), sent);
  EXPECT_EQ(got_.count, 1U);
  EXPECT_EQ(got_.message.max_rss_bytes, 77);
  keeper::close_all(got_);
}

TEST_F(KeeperWire, ABlockIsFoundBehindAMessageOfAnotherVersion) {
  for (const std::string sent : {"short", "a block that is longer than what is missing"}) {
    send_raw(launch_of(sent.size()), sizeof(Message) + 24, sent);
    ASSERT_EQ(receive(), 1);
    EXPECT_EQ(block(), sent);
    EXPECT_EQ(got_.message.max_rss_bytes, 77);
    send_raw(launch_of(sent.size()), sizeof(Message) - 16, sent);
    ASSERT_EQ(receive(), 1);
    EXPECT_EQ(block(), sent);
    EXPECT_EQ(got_.message.max_rss_bytes, 0) << "what was not said means nothing";
  }
}

TEST_F(KeeperWire, ABlockThatIsNotWholeIsNone) {
  send_raw(launch_of(100'000), sizeof(Message), "x");
  ASSERT_EQ(receive(), 1);
  EXPECT_EQ(got_.block, nullptr);
  send_raw(launch_of(sizeof(Message)), sizeof(Message), "x");
  ASSERT_EQ(receive(), 1);
  EXPECT_EQ(got_.block, nullptr);
}

class Cargo : public testing::Test {
 protected:
  ChildFrame frame() {
    ChildFrame frame;
    frame.path = "/bin/x";
    frame.arguments = list_;
    frame.environment = list_;
    return frame;
  }
  std::string text_ = "A=1";
  char* list_[2] = {text_.data(), nullptr};
  LaunchCargo cargo_;
  Packet packet_;
};

TEST_F(Cargo, GoesInThePacketOfAKeeperThatKnowsIt) {
  ASSERT_TRUE(cargo_.load(frame(), keeper::block_version, packet_));
  EXPECT_EQ(packet_.count, 0U);
  EXPECT_EQ(packet_.message.has, keeper::has_block);
  LaunchBlock block;
  ASSERT_TRUE(block.copy(packet_.block, packet_.message.block_size));
  EXPECT_STREQ(block.variable("A"), "1");
}

TEST_F(Cargo, GoesByAFileToAnOlderKeeper) {
  ASSERT_TRUE(cargo_.load(frame(), keeper::block_version - 1, packet_));
  ASSERT_EQ(packet_.count, 1U);
  EXPECT_EQ(packet_.message.has, 0U);
  LaunchBlock block;
  ASSERT_TRUE(block.open(packet_.descriptors[0], packet_.message.block_size));
  EXPECT_STREQ(block.variable("A"), "1");
}

TEST_F(Cargo, GoesByAFileWhenItIsLarge) {
  text_ = "A=" + std::string(keeper::block_max, 'l');
  list_[0] = text_.data();
  ASSERT_TRUE(cargo_.load(frame(), keeper::block_version, packet_));
  EXPECT_EQ(packet_.count, 1U);
  EXPECT_EQ(packet_.message.has, 0U);
}

TEST_F(Cargo, ABlockOfAnotherVersionIsRefused) {
  ASSERT_TRUE(cargo_.load(frame(), keeper::block_version, packet_));
  std::string bytes(packet_.block, packet_.message.block_size);
  LaunchBlock short_one;
  EXPECT_FALSE(short_one.copy(bytes.data(), 8));
  bytes[0] = static_cast<char>(bytes[0] + 8);
  LaunchBlock other;
  EXPECT_FALSE(other.copy(bytes.data(), bytes.size()));
}

std::size_t open_now() {
  const auto entries = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

TEST(Stock, IsSmallAndServesTheNextLaunch) {
  Launcher launcher(fresh_instance());
  const auto before = open_now();
  launcher.stock();
  const auto stocked = open_now();
  EXPECT_GT(stocked, before);
  EXPECT_LE(stocked, before + 9);
  launcher.stock();
  EXPECT_EQ(open_now(), stocked);
  TargetConfig config;
  config.name = "api";
  config.command = {"/bin/true"};
  {
    auto prepared = launcher.prepare(config, 1, {});
    ASSERT_TRUE(prepared);
    EXPECT_LE(open_now(), stocked + 2) << "pipes are made although some are there";
  }
  EXPECT_LT(open_now(), stocked);
}

// A child inherits what is ignored: the look must find it.
TEST(Dispositions, ThatWereLookedAtAreTheDefaultInTheTarget) {
  const auto in_child = [] {
    std::signal(SIGUSR1, SIG_IGN);
    std::signal(64, SIG_IGN);
    World world;
    note_dispositions();
    const auto said = world.output_of(world.target({"grep", "SigIgn", "/proc/self/status"}));
    std::exit(said.find("SigIgn:\t0000000000000000") == 0 ? 0 : 1);
  };
  EXPECT_EXIT(in_child(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace banyan::leaf
