#pragma once
// What a launched process is given, at low descriptor numbers of this process: so the child can
// share the descriptors of this process and leave all above behind at once, and a launch takes the
// same time however many there are. For the time of one launch; used by leaf and keeper; libc only.
//
// The first one in a process reserves the numbers. Where none below 64 are free any more, nothing
// is moved, and the child copies them all.

#include "leaf/io/launch_child.h"

namespace banyan::leaf {

class LowDescriptors {
 public:
  // Changes the frame's descriptors; until give_up() or its own end.
  explicit LowDescriptors(ChildFrame& frame);
  ~LowDescriptors() { give_up(); }
  LowDescriptors(const LowDescriptors&) = delete;
  LowDescriptors& operator=(const LowDescriptors&) = delete;

  bool used() const { return frame_.shared_up_to >= 0; }
  void give_up();

 private:
  static constexpr int count = 4;
  ChildFrame& frame_;
  int high_[count];
};

}  // namespace banyan::leaf
