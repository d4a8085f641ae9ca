#include "common/io/picture_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include "common/base/digest.h"
#include "common/io/files.h"
#include "common/tree/picture.h"

namespace banyan::io {
namespace {

constexpr std::string_view head = "banyan picture 1\n";
constexpr std::size_t max_record = 4U << 20U;
constexpr std::size_t record_head = 12;
constexpr std::size_t rewrite_part = 64U << 10U;

void append_number(std::string& out, std::uint64_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>((number >> (8 * i)) & 0xff);
}

std::uint64_t number_at(const std::string& text, std::size_t place, int bytes) {
  std::uint64_t number = 0;
  for (int i = bytes - 1; i >= 0; --i) {
    number = (number << 8U) | static_cast<unsigned char>(text[place + static_cast<std::size_t>(i)]);
  }
  return number;
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using Stream = std::unique_ptr<std::FILE, CloseFile>;

bool read_exactly(std::FILE* file, std::string& out, std::size_t bytes) {
  out.resize(bytes);
  return std::fread(out.data(), 1, bytes, file) == bytes;
}

// The facts of a picture. In a mirror, because that keeps a million of them in little memory.
class Facts {
 public:
  void take(const v1::Update& part) { tree::restore_picture(part, mirror_); }
  // In parts; each begins where the last one ended.
  template <class Write>
  Status write(Write write_part) const {
    v1::Update part;
    std::size_t bytes = 0;
    Status status;
    const auto add = [&](const std::string& path, v1::FactKind kind, std::string_view id) {
      const auto value = mirror_.find_fact({path, kind, std::string(id)});
      v1::NodeFacts& node = *part.add_nodes();
      node.set_path(path);
      node.set_instance(value->instance);
      v1::Fact& fact = *node.add_facts();
      fact.set_kind(kind);
      fact.set_id(std::string(id));
      fact.set_value(value->bytes);
      bytes += path.size() + id.size() + value->bytes.size() + 60;
      if (bytes < rewrite_part) return;
      if (status) status = write_part(part);
      part.Clear();
      bytes = 0;
    };
    each_fact(mirror_.top(), add);
    if (status && part.nodes_size() > 0) status = write_part(part);
    return status;
  }

 private:
  template <class Visit>
  static void each_fact(const tree::Mirror::Node& node, Visit& visit) {
    const std::string path = node.path();
    node.each_place([&](int kind, std::string_view id) {
      visit(path, static_cast<v1::FactKind>(kind), id);
      return true;
    });
    for (const auto& child : node.children()) each_fact(*child, visit);
  }

  tree::Mirror mirror_;
};

}  // namespace

std::string picture_record(const v1::Update& part) {
  const std::string payload = part.SerializeAsString();
  std::string record;
  record.reserve(payload.size() + record_head);
  append_number(record, payload.size(), 4);
  append_number(record, name_hash(payload), 8);
  return record + payload;
}

Result<PictureRead> read_picture(const std::string& path,
                                 const std::function<void(const v1::Update&)>& take) {
  const Stream file(std::fopen(path.c_str(), "rbe"));
  if (!file) return failure("cannot read", path, error_text(errno));
  PictureRead read;
  std::string bytes;
  if (!read_exactly(file.get(), bytes, head.size()) || bytes != head) {
    read.end = PictureEnd::damaged;
    return read;
  }
  read.good_bytes = head.size();
  v1::Update part;
  while (true) {
    bytes.resize(record_head);
    const std::size_t got = std::fread(bytes.data(), 1, record_head, file.get());
    if (got == 0) return read;
    read.end = PictureEnd::torn;
    if (got < record_head) return read;
    const std::size_t size = number_at(bytes, 0, 4);
    const std::uint64_t hash = number_at(bytes, 4, 8);
    if (size > max_record) read.end = PictureEnd::damaged;
    if (size > max_record || !read_exactly(file.get(), bytes, size)) return read;
    if (name_hash(bytes) != hash || !part.ParseFromString(bytes)) {
      read.end = PictureEnd::damaged;
      return read;
    }
    take(part);
    read.good_bytes += record_head + size;
    read.end = PictureEnd::whole;
  }
}

PictureFile::PictureFile(PictureFile&& other) noexcept { *this = std::move(other); }

PictureFile& PictureFile::operator=(PictureFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  std::swap(size_, other.size_);
  return *this;
}

PictureFile::~PictureFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<PictureFile> PictureFile::open(const std::string& path, std::uint64_t size) {
  PictureFile file;
  file.path_ = path;
  file.descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  file.size_ = size;
  const auto at = static_cast<off_t>(size);
  if (file.descriptor_ < 0 || ::ftruncate(file.descriptor_, at) != 0 ||
      ::lseek(file.descriptor_, at, SEEK_SET) < 0) {
    return failure("cannot write", path, error_text(errno));
  }
  if (size > 0) return file;
  if (auto status = file.append(std::string(head)); !status) return tl::unexpected(status.error());
  return file;
}

Status PictureFile::append(const std::string& records) {
  std::size_t done = 0;
  while (done < records.size()) {
    const ssize_t written = ::write(descriptor_, records.data() + done, records.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      const auto good = static_cast<off_t>(size_);
      const bool cut =
          ::ftruncate(descriptor_, good) == 0 && ::lseek(descriptor_, good, SEEK_SET) >= 0;
      return failure("cannot write", path_,
                     error_text(error) + (cut ? "" : ", and cannot cut it off again"));
    }
    done += static_cast<std::size_t>(written);
  }
  size_ += records.size();
  return {};
}

Status PictureFile::sync() {
  if (::fsync(descriptor_) == 0) return {};
  return failure("cannot write", path_, error_text(errno));
}

Result<std::uint64_t> rewrite_picture(const std::string& from, const std::string& to) {
  Facts facts;
  const auto read = read_picture(from, [&facts](const v1::Update& part) { facts.take(part); });
  if (!read) return tl::unexpected(read.error());
  const std::string beside = to + ".tmp";
  auto file = PictureFile::open(beside, 0);
  if (!file) return tl::unexpected(file.error());
  auto written =
      facts.write([&file](const v1::Update& part) { return file->append(picture_record(part)); });
  if (written) written = file->sync();
  if (written && ::rename(beside.c_str(), to.c_str()) != 0) {
    written = failure("cannot rename", beside, error_text(errno));
  }
  if (!written) {
    ::unlink(beside.c_str());
    return tl::unexpected(written.error());
  }
  return file->size();
}

}  // namespace banyan::io
