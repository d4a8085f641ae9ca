#pragma once
// The events of an origin on disk until a root has stored them: one file in DIRECTORY for each
// stream, named by its boot. They outlive the death of the daemon at any moment. Nothing is synced:
// a power cut may take the tail of a stream, whole events, and the next run begins a new one.
//
// A file is a row of records: length (4 bytes), check (4 bytes), v1::HeldEvents. The first record
// is the whole stream as it stood; each later one adds its events, or raises `acked`. What follows
// a record that is not whole is not read. When a file is long for what it holds, it is begun anew.
//
// Bounds: max_streams files, the oldest go, counted. On the loop: it writes to the page cache.

#include <cstdint>
#include <string>
#include <vector>

#include "banyan/v1/handover.pb.h"
#include "common/base/result.h"
#include "common/tree/event_outbox.h"
#include "common/tree/turn.h"

namespace banyan::io {

class SpoolFiles {
 public:
  static constexpr std::size_t max_streams = tree::EventOutbox::max_earlier;
  static constexpr std::size_t rest = 64 * 1024;  // a file may be that long whatever it holds
  static constexpr std::size_t max_file_bytes = 64U << 20U;

  explicit SpoolFiles(std::string directory) : directory_(std::move(directory)) {}
  ~SpoolFiles();
  SpoolFiles(const SpoolFiles&) = delete;
  SpoolFiles& operator=(const SpoolFiles&) = delete;

  // What earlier runs left, oldest first, without the stream of `present` (which goes on).
  std::vector<v1::HeldEvents> load(const v1::Boot& present);
  // The file of the present stream begins with what is held. Once, before keep().
  std::string begin(const tree::EventOutbox& outbox);
  // Behind every turn. Both return what is to be said: when the disk begins to fail (what is told
  // from then on is in memory alone), and when it works again; "" otherwise.
  std::string keep(const tree::SpoolEffects& effects, const tree::EventOutbox& outbox);

  std::uint64_t lost() const { return lost_; }  // events of streams that were too many

 private:
  Status begin_file(const v1::HeldEvents& held);
  Status write(const tree::SpoolEffects& effects);
  std::string said(const Status& done);
  Status append(const v1::HeldEvents& record);
  std::string path_of(const v1::Boot& boot) const;

  std::string directory_;
  v1::Boot boot_;
  int file_ = -1;
  std::size_t size_ = 0;
  bool stale_ = false;  // something is missing in it
  bool failing_ = false;
  std::uint64_t lost_ = 0;
};

// What is told of them.
tree::OwnEvent events_lost_event(std::uint64_t count);

}  // namespace banyan::io
