// Run by a test as a process that carries the mark of the very instance whose strays it ends: it
// must spare itself. Exits 0 when it did.

#include <cstdlib>
#include <string>

#include "leaf/io/subtree.h"

int main() {
  const char* mark = std::getenv("BANYAN_TARGET");
  if (mark == nullptr) return 2;
  const std::string text = mark;
  return banyan::leaf::end_strays(text.substr(0, text.find('/'))).unkillable == 0 ? 0 : 1;
}
