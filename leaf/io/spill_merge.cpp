#include "leaf/io/spill_merge.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <tuple>
#include <vector>

#include "common/base/name.h"
#include "common/io/uninterrupted.h"
#include "leaf/io/descriptor.h"

namespace banyan::leaf {
namespace {

constexpr std::size_t pipe_bytes = 1 << 20;
constexpr unsigned idle_max = 100;  // looks into a pipe that is known to hold bytes
constexpr std::string_view index_ending = ".idx";
constexpr const char* marker_name = "merging";

struct SpillFile {
  std::string name;
  std::string target;
  LogStream stream = LogStream::out;
  std::uint64_t generation = 0;
  std::uint64_t epoch = 0;
  std::uint64_t dropped = 0;

  auto order() const { return std::tie(target, generation, epoch, name); }
  // Without what was dropped: the index has the name that the file began with.
  std::string index() const { return name.substr(0, name.find('+')) + std::string(index_ending); }
};

bool read_number(std::string_view& text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take_word(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

// "api@7.stdout.1700000000000000000+4096"
std::optional<SpillFile> parse(const std::string& name) {
  const auto at = name.find('@');
  if (at == std::string::npos) return std::nullopt;
  SpillFile file;
  file.name = name;
  file.target = name.substr(0, at);
  std::string_view rest = std::string_view(name).substr(at + 1);
  if (!is_name(file.target) || !read_number(rest, file.generation)) return std::nullopt;
  if (take_word(rest, ".stderr.")) {
    file.stream = LogStream::err;
  } else if (!take_word(rest, ".stdout.")) {
    return std::nullopt;
  }
  if (!read_number(rest, file.epoch)) return std::nullopt;
  if (take_word(rest, "+") && !read_number(rest, file.dropped)) return std::nullopt;
  return rest.empty() ? std::optional(file) : std::nullopt;
}

struct Stamp {
  std::uint64_t offset = 0;
  std::int64_t time_ns = 0;
};

std::vector<Stamp> stamps_of(const std::string& index, int file) {
  std::vector<Stamp> stamps;
  std::ifstream input(index, std::ios::binary);
  Stamp stamp;
  while (input.read(reinterpret_cast<char*>(&stamp), sizeof stamp)) {
    if (!stamps.empty() && stamp.offset <= stamps.back().offset) break;
    stamps.push_back(stamp);
  }
  if (!stamps.empty() && stamps[0].offset == 0) return stamps;
  struct stat info = {};
  ::fstat(file, &info);
  constexpr std::int64_t second = 1'000'000'000;
  return {{0, info.st_mtim.tv_sec * second + info.st_mtim.tv_nsec}};
}

class Merger {
 public:
  Merger(std::string directory, StreamLog& log) : directory_(std::move(directory)), log_(log) {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return;
    reader_.reset(ends[0]);
    writer_.reset(ends[1]);
    ::fcntl(ends[0], F_SETPIPE_SZ, pipe_bytes);
  }

  // The bytes moved; nothing when the file cannot be read: then it stays.
  std::optional<std::uint64_t> merge(const SpillFile& spill) {
    const Descriptor file(::open((directory_ + "/" + spill.name).c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info = {};
    if (!file || !reader_ || ::fstat(file.get(), &info) < 0) return std::nullopt;
    const auto size = static_cast<std::uint64_t>(info.st_size);
    const auto stamps = stamps_of(directory_ + "/" + spill.index(), file.get());
    std::uint64_t at = 0;
    for (std::size_t i = 0; i < stamps.size() && at < size; ++i) {
      const auto end = i + 1 < stamps.size() ? std::min(stamps[i + 1].offset, size) : size;
      log_.stamp(stamps[i].time_ns);
      while (at < end) {
        const auto moved = move(file.get(), at, end - at);
        if (moved == 0) return std::nullopt;
        at += moved;
      }
    }
    if (spill.dropped > 0) log_.skip(spill.dropped);
    return at;
  }

 private:
  std::uint64_t move(int file, std::uint64_t at, std::uint64_t max_bytes) {
    auto offset = static_cast<loff_t>(at);
    const auto wanted = std::min<std::uint64_t>(max_bytes, pipe_bytes);
    const auto queued = banyan::io::uninterrupted(
        [&] { return ::splice(file, &offset, writer_.get(), nullptr, wanted, 0); });
    if (queued <= 0) return 0;
    auto left = static_cast<std::uint64_t>(queued);
    for (unsigned idle = 0; left > 0 && idle < idle_max;) {
      const auto taken = log_.take(reader_.get(), left).bytes;
      idle = taken == 0 ? idle + 1 : 0;
      left -= taken;
    }
    return left > 0 ? 0 : static_cast<std::uint64_t>(queued);
  }

  std::string directory_;
  StreamLog& log_;
  Descriptor reader_;
  Descriptor writer_;
};

class Marker {
 public:
  explicit Marker(const std::string& directory) : path_(directory + "/" + marker_name) {}

  // Where the file's stream ended before its merge was begun.
  std::optional<std::uint64_t> begun(const std::string& file) const {
    std::ifstream input(path_);
    std::string name;
    std::uint64_t end = 0;
    if (!(input >> name >> end) || name != file) return std::nullopt;
    return end;
  }
  // Only a crash of this process is at stake, not one of the host: no fsync.
  bool begin(const std::string& file, std::uint64_t end) const {
    std::ofstream output(path_ + ".new", std::ios::trunc);
    output << file << ' ' << end << '\n' << std::flush;
    return output.good() && ::rename((path_ + ".new").c_str(), path_.c_str()) == 0;
  }
  void remove() const { ::unlink(path_.c_str()); }

 private:
  std::string path_;
};

std::vector<SpillFile> files_in(const std::string& directory) {
  std::vector<SpillFile> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (auto file = parse(entry.path().filename().string())) files.push_back(std::move(*file));
  }
  std::sort(files.begin(), files.end(),
            [](const SpillFile& a, const SpillFile& b) { return a.order() < b.order(); });
  return files;
}

}  // namespace

MergedSpill merge_spill(
    const std::string& directory,
    const std::function<StreamLog&(const std::string& target, LogStream stream)>& stream_of) {
  MergedSpill merged;
  const Marker marker(directory);
  for (const SpillFile& file : files_in(directory)) {
    StreamLog& log = stream_of(file.target, file.stream);
    const auto begun = marker.begun(file.name);
    const auto end = begun.value_or(log.end());
    if (begun && end < log.end()) log.cut(end);
    if (!begun && !marker.begin(file.name, end)) continue;
    const auto bytes = Merger(directory, log).merge(file);
    log.stamp(std::nullopt);
    if (!bytes) {
      log.cut(end);  // the file stays for another time
      continue;
    }
    ::unlink((directory + "/" + file.name).c_str());
    ::unlink((directory + "/" + file.index()).c_str());
    ++merged.files;
    merged.bytes += *bytes;
    merged.dropped += file.dropped;
  }
  marker.remove();
  return merged;
}

}  // namespace banyan::leaf
