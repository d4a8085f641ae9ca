#include "leaf/io/segment_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "leaf/io/packed_segment.h"

namespace banyan::leaf {
namespace {

constexpr std::size_t offset_digits = 20;
constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;
constexpr mode_t folder_mode = 0750;

}  // namespace

std::string SegmentFiles::plain(std::uint64_t first) const {
  return fmt::format("{}/{}.{:020}.log", directory_, stream_, first);
}

std::string SegmentFiles::packed(std::uint64_t first) const { return plain(first) + ".zst"; }

std::string SegmentFiles::index(std::uint64_t first) const {
  return fmt::format("{}/{}.{:020}.idx", directory_, stream_, first);
}

bool SegmentFiles::make_directory() const {
  for (std::size_t slash = directory_.find('/', 1);; slash = directory_.find('/', slash + 1)) {
    const auto folder = directory_.substr(0, slash);
    if (::mkdir(folder.c_str(), folder_mode) < 0 && errno != EEXIST) return false;
    if (slash == std::string::npos) return true;
  }
}

std::optional<std::uint64_t> SegmentFiles::first_of(std::string_view file,
                                                    std::string_view ending) const {
  if (!file.starts_with(stream_) || !file.ends_with(ending)) return std::nullopt;
  file.remove_prefix(stream_.size());
  if (file.size() != offset_digits + 1 + ending.size() || file.front() != '.') return std::nullopt;
  file = file.substr(1, offset_digits);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(file.data(), file.data() + file.size(), value);
  if (error != std::errc{} || end != file.data() + file.size()) return std::nullopt;
  return value;
}

std::vector<Segment> SegmentFiles::find(std::string& trouble) const {
  std::map<std::uint64_t, bool> found;  // first offset -> as text
  std::vector<std::uint64_t> compressed;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, error)) {
    const std::string name = entry.path().filename();
    if (const auto first = first_of(name, ".log")) found[*first] = true;
    if (const auto first = first_of(name, ".log.zst")) compressed.push_back(*first);
    if (first_of(name, ".log.zst.tmp")) discard(entry.path());
  }
  for (const std::uint64_t first : compressed) {
    if (!found.try_emplace(first, false).second) discard(packed(first));
  }
  std::vector<Segment> segments;
  for (const auto& [first, as_text] : found) {
    Segment segment;
    segment.first = first;
    segment.packed = !as_text;
    segment.closed = true;
    if (measure(segment)) {
      segments.push_back(segment);
    } else if (!as_text) {
      set_aside(first, trouble);
    }
  }
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
    segments[i].size = std::min(segments[i].size, segments[i + 1].first - segments[i].first);
  }
  if (!segments.empty()) segments.back().closed = segments.back().packed;
  return segments;
}

bool SegmentFiles::measure(Segment& segment) const {
  const auto path = segment.packed ? packed(segment.first) : plain(segment.first);
  struct stat info = {};
  if (::stat(path.c_str(), &info) < 0) return false;
  segment.size = static_cast<std::uint64_t>(info.st_size);
  segment.disk = segment.size;
  segment.last_ns = info.st_mtim.tv_sec * nanoseconds_per_second + info.st_mtim.tv_nsec;
  if (segment.packed) {
    PackedReader reader;
    if (!reader.open(path)) return false;
    segment.size = reader.size();
  }
  if (::stat(index(segment.first).c_str(), &info) == 0) {
    segment.disk += static_cast<std::uint64_t>(info.st_size);
  }
  return true;
}

void SegmentFiles::set_aside(std::uint64_t first, std::string& trouble) const {
  const auto path = packed(first);
  const auto aside = path + ".damaged";
  if (kept_ == KeptFiles::as_are) return;
  if (std::rename(path.c_str(), aside.c_str()) != 0) return;
  ::unlink(index(first).c_str());
  trouble = fmt::format("log file {} can't be read: it is now {}; zstd -dc may save some of it",
                        path, aside);
}

void SegmentFiles::discard(const std::string& path) const {
  if (kept_ == KeptFiles::tidied) ::unlink(path.c_str());
}

void SegmentFiles::remove(const Segment& segment) const {
  ::unlink((segment.packed ? packed(segment.first) : plain(segment.first)).c_str());
  ::unlink(index(segment.first).c_str());
}

}  // namespace banyan::leaf
