#include "leaf/io/run_marks.h"

#include <cstdio>
#include <fstream>

#include <fmt/format.h>

namespace banyan::leaf {

RunMarks::RunMarks(std::string directory) : directory_(std::move(directory)) {
  std::ifstream file(path());
  RunMark mark;
  while (marks_.size() < most && file >> mark.generation >> mark.time_ns >> mark.out >> mark.err) {
    marks_.push_back(mark);
  }
}

void RunMarks::add(RunMark mark) {
  if (marks_.size() >= most) marks_.erase(marks_.begin());
  marks_.push_back(mark);
  changed_ = true;
}

void RunMarks::save() {
  if (!changed_) return;
  std::string text;
  for (const auto& mark : marks_) {
    text += fmt::format("{} {} {} {}\n", mark.generation, mark.time_ns, mark.out, mark.err);
  }
  const auto unfinished = path() + ".tmp";
  std::ofstream file(unfinished, std::ios::trunc);
  file << text;
  file.close();
  changed_ = !file || std::rename(unfinished.c_str(), path().c_str()) != 0;
}

}  // namespace banyan::leaf
