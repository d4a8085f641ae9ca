#pragma once
// The three standard streams. Data goes to stdout, talk to stderr. A reader that went away
// (`| head`) is no error: write() says false from then on and the verb ends quietly.

#include <string>
#include <string_view>

#include "root/cli/arguments.h"
#include "root/cli/marks.h"

namespace banyan::cli {

class Terminal {
 public:
  explicit Terminal(const Arguments& arguments);

  bool write(std::string_view text);  // stdout, blocks until all is taken
  void say(std::string_view text);    // stderr
  bool closed() const { return closed_; }
  // A question on stderr; true only for y or yes.
  bool ask(std::string_view question);
  bool can_ask() const { return asks_; }
  bool shows_progress() const { return err_terminal_; }
  // A line on stderr that the next one replaces; "" erases it. Nothing without a terminal.
  void progress(std::string_view line);
  void clear_screen();

  // The clock, the zone and what stdout can show, read now.
  View view() const;
  // The same for stderr.
  View talk_view() const;

 private:
  Style style_;
  Style talk_style_;
  bool utc_ = false;
  bool asks_ = false;
  bool err_terminal_ = false;
  bool closed_ = false;
};

// Time since boot, for measuring.
Time boot_time();
WallTime wall_time();
// False when Ctrl-C came.
bool pause_for(Duration duration);

}  // namespace banyan::cli
