#include "common/tree/fact_pack.h"

#include <algorithm>
#include <cstring>

#include "common/base/check.h"

namespace banyan::tree {
namespace {

constexpr std::size_t shortest = 4;      // of a copy
constexpr std::size_t longest = 60'000;  // of a copy
constexpr std::size_t max_short = 63;    // lengths from here on take two bytes more
constexpr std::size_t hashes = 4096;
constexpr int max_tries = 8;
constexpr std::size_t shortest_hex = 12;  // digits that are worth it
constexpr std::size_t longest_hex = 70;
constexpr std::size_t max_run = 128;
constexpr std::size_t max_learned = 1024;  // of one value
constexpr unsigned char copy_mark = 0x80;
constexpr unsigned char hex_mark = 0xc0;

std::size_t hash_of(const char* bytes) {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return (word * 2654435761U) >> 20U;
}

std::size_t common_size(std::string_view left, std::string_view right) {
  const auto size = std::min({left.size(), right.size(), longest});
  std::size_t same = 0;
  while (same < size && left[same] == right[same]) ++same;
  return same;
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::size_t hex_size(std::string_view text) {
  std::size_t size = 0;
  while (size < std::min(text.size(), longest_hex) && digit_of(text[size]) >= 0) ++size;
  return size & ~std::size_t{1};
}

char byte(std::size_t value) { return static_cast<char>(static_cast<unsigned char>(value)); }

class Writer {
 public:
  void plain(char c) {
    if (run_ == std::string::npos || out_.size() - run_ > max_run) {
      run_ = out_.size();
      out_ += '\0';
    }
    out_ += c;
    out_[run_] = byte(out_.size() - run_ - 2);
    ++plain_;
  }
  void hex(std::string_view digits) {
    run_ = std::string::npos;
    out_ += byte(hex_mark + digits.size() / 2 - shortest);
    for (std::size_t i = 0; i < digits.size(); i += 2) {
      out_ += byte(static_cast<std::size_t>(digit_of(digits[i]) * 16 + digit_of(digits[i + 1])));
    }
  }
  void copy(std::size_t size, std::size_t place, bool in_context) {
    run_ = std::string::npos;
    const std::size_t length = size - shortest;
    out_ += byte(copy_mark + std::min(length, max_short));
    if (length >= max_short) out_ += {byte(length >> 8U), byte(length & 0xff)};
    if (in_context) {
      out_ += byte(place);
    } else {
      out_ += {byte(0x80 + (place >> 8U)), byte(place & 0xff)};
    }
  }
  std::size_t plain_bytes() const { return plain_; }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  std::size_t run_ = std::string::npos;  // where the length of the running one stands
  std::size_t plain_ = 0;
};

class Reader {
 public:
  explicit Reader(std::string_view packed) : rest_(packed) {}
  bool empty() const { return rest_.empty(); }
  std::size_t next() {
    CHECK(!rest_.empty());
    const auto value = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  std::string_view next(std::size_t size) {
    CHECK(size <= rest_.size());
    const auto piece = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return piece;
  }

 private:
  std::string_view rest_;
};

}  // namespace

FactPack::Context FactPack::look_at(std::string_view context) {
  Context found;
  found.text = context.substr(0, max_context);
  for (std::size_t at = 0; at + shortest <= found.text.size(); ++at) {
    found.places[hash_of(found.text.data() + at) & 0xff] = static_cast<std::uint8_t>(at + 1);
  }
  return found;
}

FactPack::Match FactPack::find(std::string_view rest, const Context& context) const {
  Match best;
  if (rest.size() < shortest) return best;
  const std::size_t hash = hash_of(rest.data());
  if (const std::size_t place = context.places[hash & 0xff]; place != 0) {
    const auto size = common_size(context.text.substr(place - 1), rest);
    if (size >= shortest) best = {size, place - 1, true};
  }
  if (newest_.empty()) return best;
  std::size_t next = newest_[hash];
  for (int tries = 0; next != 0 && tries < max_tries; ++tries) {
    const std::size_t at = next - 1;
    const auto size = common_size(std::string_view(dictionary_).substr(at), rest);
    if (size >= shortest && size > best.size + 1) best = {size, at, false};
    next = earlier_[at];
  }
  return best;
}

std::string FactPack::pack(std::string_view bytes, std::string_view context) {
  const Context seen = look_at(context);
  Writer writer;
  std::size_t at = 0;
  while (at < bytes.size()) {
    const auto rest = bytes.substr(at);
    const Match match = find(rest, seen);
    const std::size_t digits = hex_size(rest);
    if (digits >= shortest_hex && digits > match.size) {
      writer.hex(rest.substr(0, digits));
      at += digits;
    } else if (match.size >= shortest) {
      writer.copy(match.size, match.place, match.in_context);
      at += match.size;
    } else {
      writer.plain(rest.front());
      ++at;
    }
  }
  if (writer.plain_bytes() * 2 > bytes.size()) learn(bytes.substr(0, max_learned));
  return writer.take();
}

void FactPack::learn(std::string_view bytes) {
  if (bytes.size() < shortest || dictionary_.size() + bytes.size() > max_dictionary) return;
  if (newest_.empty()) newest_.resize(hashes);
  const std::size_t from = dictionary_.size() < shortest ? 0 : dictionary_.size() - shortest + 1;
  dictionary_ += bytes;
  earlier_.resize(dictionary_.size());
  for (std::size_t at = from; at + shortest <= dictionary_.size(); ++at) {
    auto& newest = newest_[hash_of(dictionary_.data() + at)];
    earlier_[at] = newest;
    newest = static_cast<std::uint16_t>(at + 1);
  }
}

std::string FactPack::unpack(std::string_view packed, std::string_view context) const {
  static constexpr char digits[] = "0123456789abcdef";
  context = context.substr(0, max_context);
  std::string out;
  out.reserve(packed.size() * 3);
  Reader reader(packed);
  while (!reader.empty()) {
    const std::size_t mark = reader.next();
    if (mark < copy_mark) {
      out += reader.next(mark + 1);
    } else if (mark < hex_mark) {
      std::size_t size = mark - copy_mark;
      if (size == max_short) {
        size = reader.next() << 8U;
        size += reader.next();
      }
      std::size_t place = reader.next();
      const bool in_context = place < 0x80;
      if (!in_context) place = ((place - 0x80) << 8U) + reader.next();
      const std::string_view from = in_context ? context : std::string_view(dictionary_);
      CHECK(place + size + shortest <= from.size());
      out += from.substr(place, size + shortest);
    } else {
      for (const char c : reader.next(mark - hex_mark + shortest)) {
        const auto value = static_cast<unsigned char>(c);
        out += digits[value >> 4U];
        out += digits[value & 15U];
      }
    }
  }
  return out;
}

}  // namespace banyan::tree
