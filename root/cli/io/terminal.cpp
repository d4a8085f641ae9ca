#include "root/cli/io/terminal.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <ctime>

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "root/cli/io/interrupt.h"

namespace banyan::cli {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_utf8_locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    std::string value = environment(name);
    if (value.empty()) continue;
    std::transform(value.begin(), value.end(), value.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return true;  // nothing said: most terminals of today
}

Style style_of(int descriptor, const Arguments& arguments) {
  Style style;
  style.terminal = isatty(descriptor) == 1;
  style.ascii = arguments.ascii || !is_utf8_locale();
  const bool plain = !environment("NO_COLOR").empty() || environment("TERM") == "dumb";
  style.colour = arguments.colour == ColourChoice::always ||
                 (arguments.colour == ColourChoice::automatic && style.terminal && !plain);
  winsize size{};
  if (style.terminal && ioctl(descriptor, TIOCGWINSZ, &size) == 0) {
    style.width = size.ws_col;
    style.height = size.ws_row;
  }
  if (style.terminal && style.width == 0) style.width = 80;
  return style;
}

// False when the reader is gone or Ctrl-C came.
bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd ready{descriptor, POLLOUT, 0};
      poll(&ready, 1, 200);
    } else if (errno != EINTR) {
      return false;
    }
    if (!text.empty() && interrupted()) return false;
  }
  return true;
}

}  // namespace

Terminal::Terminal(const Arguments& arguments)
    : style_(style_of(STDOUT_FILENO, arguments)),
      talk_style_(style_of(STDERR_FILENO, arguments)),
      utc_(arguments.log.utc),
      asks_(isatty(STDIN_FILENO) == 1),
      err_terminal_(talk_style_.terminal) {}

bool Terminal::write(std::string_view text) {
  if (!closed_) closed_ = !write_all(STDOUT_FILENO, text);
  return !closed_;
}

void Terminal::say(std::string_view text) { write_all(STDERR_FILENO, text); }

void Terminal::progress(std::string_view line) {
  if (err_terminal_) say("\r\x1b[K" + std::string(line));
}

void Terminal::clear_screen() {
  if (style_.terminal) write("\x1b[H\x1b[2J");
}

bool Terminal::ask(std::string_view question) {
  say(std::string(question) + " [y/N] ");
  std::string line;
  char c = 0;
  while (line.size() < 64 && ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') line += c;
  return line == "y" || line == "Y" || line == "yes";
}

View Terminal::view() const {
  View view{wall_time(), seconds{0}, style_};
  const std::time_t now = std::chrono::system_clock::to_time_t(view.now);
  std::tm local{};
  if (!utc_ && localtime_r(&now, &local) != nullptr) view.utc_offset = seconds{local.tm_gmtoff};
  return view;
}

View Terminal::talk_view() const {
  View talk = view();
  talk.style = talk_style_;
  return talk;
}

Time boot_time() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return Time{seconds{now.tv_sec} + Duration{now.tv_nsec}};
}

WallTime wall_time() {
  return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
}

bool pause_for(Duration duration) {
  const auto ms = std::chrono::duration_cast<milliseconds>(duration).count();
  poll(nullptr, 0, static_cast<int>(ms));
  return !interrupted();
}

}  // namespace banyan::cli
