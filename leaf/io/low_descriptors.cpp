#include "leaf/io/low_descriptors.h"

#include <fcntl.h>
#include <unistd.h>

namespace banyan::leaf {
namespace {

constexpr int highest_number = 63;

struct Reserved {
  bool tried = false;
  int nothing = -1;  // what stands there between two launches
  int numbers[4] = {-1, -1, -1, -1};
  int last = -1;  // -1 = none are reserved
};

Reserved reserved;

void reserve() {
  reserved.tried = true;
  reserved.nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  int last = reserved.nothing;
  for (int& number : reserved.numbers) {
    number = last < 0 ? -1 : ::fcntl(reserved.nothing, F_DUPFD_CLOEXEC, 3);
    if (number < 0 || number > last) last = number;
  }
  if (last >= 0 && last <= highest_number) {
    reserved.last = last;
    return;
  }
  for (const int number : reserved.numbers) {
    if (number >= 0) ::close(number);
  }
  if (reserved.nothing >= 0) ::close(reserved.nothing);
}

}  // namespace

LowDescriptors::LowDescriptors(ChildFrame& frame)
    : frame_(frame), high_{frame.input, frame.output, frame.error, frame.ready} {
  if (!reserved.tried) reserve();
  if (reserved.last < 0) return;
  int* const moved[count] = {&frame.input, &frame.output, &frame.error, &frame.ready};
  frame.shared_up_to = reserved.last;
  for (int i = 0; i < count; ++i) {
    if (high_[i] < 0) continue;
    if (::dup3(high_[i], reserved.numbers[i], O_CLOEXEC) < 0) {
      give_up();
      return;
    }
    *moved[i] = reserved.numbers[i];
  }
}

// A pipe must not stay open here: whoever reads it would never see its end.
void LowDescriptors::give_up() {
  if (!used()) return;
  for (int i = 0; i < count; ++i) {
    if (high_[i] >= 0) ::dup3(reserved.nothing, reserved.numbers[i], O_CLOEXEC);
  }
  frame_.input = high_[0];
  frame_.output = high_[1];
  frame_.error = high_[2];
  frame_.ready = high_[3];
  frame_.shared_up_to = -1;
}

}  // namespace banyan::leaf
