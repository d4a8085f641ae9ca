#include "tests/sim/frame_tap.h"

#include "common/tree/codec.h"

namespace banyan::sim {
namespace {

constexpr int field_session = 1;
constexpr int field_sequence = 2;

std::uint64_t read_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; !bytes.empty() && shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if ((byte & 0x80U) == 0) break;
  }
  return value;
}

}  // namespace

int kind_of(std::string_view bytes) {
  while (!bytes.empty()) {
    const int field = static_cast<int>(read_varint(bytes) >> 3U);
    if (field == field_session) {
      bytes.remove_prefix(std::min<std::size_t>(bytes.size(), 8));
    } else if (field == field_sequence) {
      read_varint(bytes);
    } else {
      return field;
    }
  }
  return 0;
}

int kind_named(const std::string& name) {
  const auto* field = v1::Frame::descriptor()->FindFieldByName(name);
  return field == nullptr ? 0 : field->number();
}

void FrameTap::see(const std::string& bytes, bool up) {
  ++frames_;
  bytes_ += bytes.size();
  const int kind = kind_of(bytes);
  ++by_kind_[kind];
  if (!up || kind != v1::Frame::kEventBatch) return;
  const auto frame = tree::decode(bytes);
  if (frame && frame->event_batch().path().empty()) record(frame->event_batch());
}

void FrameTap::record(const v1::EventBatch& batch) {
  auto& stream = said_[{batch.instance(), batch.boot().random()}];
  std::uint64_t number = batch.first();
  for (const v1::Event& event : batch.events()) {
    stream[number++] = {event.time_ms(), event.kind(), event.subject(), event.text()};
  }
}

std::uint64_t FrameTap::frames(const std::string& kind) const {
  const auto it = by_kind_.find(kind_named(kind));
  return it == by_kind_.end() ? 0 : it->second;
}

}  // namespace banyan::sim
