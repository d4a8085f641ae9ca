#include "common/io/picture_log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "common/base/time.h"
#include "common/io/picture_file.h"
#include "common/io/signals_held.h"

namespace banyan::io {
namespace {

namespace fs = std::filesystem;

// Newest first.
std::map<unsigned, std::string, std::greater<>> files_in(const std::string& directory) {
  std::map<unsigned, std::string, std::greater<>> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    const std::string name = entry.path().filename().string();
    unsigned number = 0;
    char rest = 0;
    if (std::sscanf(name.c_str(), "picture-%6u.lo%c", &number, &rest) != 2) continue;
    if (name.ends_with(".log")) found[number] = entry.path().string();
    if (name.ends_with(".tmp")) ::unlink(entry.path().c_str());
  }
  return found;
}

}  // namespace

struct PictureLog::Impl {
  std::string directory;
  PictureLimits limits;

  // Of the writing thread, from the first keep() on.
  std::optional<PictureFile> file;
  unsigned number = 0;
  std::uint64_t stands_for = 0;  // bytes after the last rewriting
  bool broken = false;           // it cannot be written: all is dropped

  std::mutex mutex;
  std::condition_variable wake;
  std::uint64_t live = 0;  // bytes of all that is said, as the last one who kept something knew
  std::deque<std::string> queue;
  std::size_t queued = 0;
  bool stop = false;
  bool writing = false;
  std::condition_variable idle;
  PictureCounters counters;
  std::thread thread;

  std::string path(unsigned of) const { return fmt::format("{}/picture-{:06}.log", directory, of); }
  void run();
  void write(const std::deque<std::string>& records);
  void count(std::uint64_t PictureCounters::*counter, std::uint64_t by = 1) {
    const std::lock_guard lock(mutex);
    counters.*counter += by;
  }
  void rewrite();
};

PictureLog::PictureLog(std::string directory, PictureLimits limits)
    : impl_(std::make_unique<Impl>()) {
  impl_->directory = std::move(directory);
  impl_->limits = limits;
}

PictureLog::~PictureLog() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stop = true;
  }
  impl_->wake.notify_one();
  if (impl_->thread.joinable()) impl_->thread.join();
}

std::vector<std::string> PictureLog::open(const std::function<void(const v1::Update&)>& take) {
  std::vector<std::string> troubles;
  const auto trouble = [&](const Error& error) { troubles.push_back(error.text()); };
  std::uint64_t good = 0;
  const auto files = files_in(impl_->directory);
  if (!files.empty()) {
    impl_->number = files.begin()->first;
    const std::string& path = files.begin()->second;
    const auto read = read_picture(path, take);
    if (!read) trouble(read.error());
    if (read) good = read->good_bytes;
    if (read && read->end == PictureEnd::damaged) {
      ++impl_->counters.put_aside;
      troubles.push_back(fmt::format("{}: damaged behind byte {}; a copy is put aside as {}.bad",
                                     path, good, path));
      std::error_code ignored;
      fs::copy_file(path, path + ".bad", fs::copy_options::overwrite_existing, ignored);
    }
    for (auto it = std::next(files.begin()); it != files.end(); ++it) ::unlink(it->second.c_str());
  }
  auto file = PictureFile::open(impl_->path(impl_->number), good);
  if (file) {
    impl_->file = std::move(*file);
  } else {
    impl_->broken = true;
    ++impl_->counters.failures;
    trouble(file.error());
  }
  const SignalsHeld held;  // they are the loop's
  impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
  return troubles;
}

void PictureLog::keep(const v1::Update& part, std::uint64_t live) {
  std::string record = picture_record(part);
  const std::lock_guard lock(impl_->mutex);
  impl_->live = live;
  if (impl_->broken || impl_->queued + record.size() > impl_->limits.max_queued) {
    ++impl_->counters.dropped;
    return;
  }
  impl_->queued += record.size();
  impl_->queue.push_back(std::move(record));
  impl_->wake.notify_one();
}

void PictureLog::flush() {
  std::unique_lock lock(impl_->mutex);
  impl_->idle.wait_for(lock, seconds{5},
                       [this] { return impl_->queue.empty() && !impl_->writing; });
}

PictureCounters PictureLog::counters() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->counters;
}

void PictureLog::Impl::run() {
  while (true) {
    std::deque<std::string> records;
    {
      std::unique_lock lock(mutex);
      wake.wait(lock, [this] { return stop || !queue.empty(); });
      if (queue.empty()) return;
      records.swap(queue);
      queued = 0;
      writing = true;
    }
    write(records);
    {
      const std::lock_guard lock(mutex);
      writing = false;
    }
    idle.notify_all();
  }
}

void PictureLog::Impl::write(const std::deque<std::string>& records) {
  std::string together;
  for (const std::string& record : records) together += record;
  if (!file || !file->append(together)) {
    count(&PictureCounters::failures);
    count(&PictureCounters::dropped, records.size());
    return;
  }
  count(&PictureCounters::records, records.size());
  std::uint64_t needed = stands_for;
  {
    const std::lock_guard lock(mutex);
    needed = std::max(needed, live);
  }
  if (file->size() > std::max<std::uint64_t>(limits.rewrite_from, 2 * needed)) rewrite();
}

// The new file is complete before the old one goes; whoever starts in between takes the new one.
void PictureLog::Impl::rewrite() {
  const auto size = rewrite_picture(path(number), path(number + 1));
  if (!size) {
    stands_for = file->size();  // tried again when it has doubled
    return count(&PictureCounters::failures);
  }
  auto next = PictureFile::open(path(number + 1), *size);
  if (!next) {
    ::unlink(path(number + 1).c_str());
    stands_for = file->size();
    return count(&PictureCounters::failures);
  }
  file = std::move(*next);
  ::unlink(path(number).c_str());
  ++number;
  stands_for = *size;
  count(&PictureCounters::rewritten);
}

}  // namespace banyan::io
