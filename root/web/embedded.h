#pragma once
// The files of the page, embedded into the program. Called by whoever serves HTTP; constant, so
// from any thread. The page needs `default-src 'none'; script-src 'self'; style-src 'self';
// connect-src 'self'; img-src 'self' data:` and nothing more.

#include <span>
#include <string_view>

namespace banyan::web {

struct WebFile {
  std::string_view path;   // "/index.html" is the page itself; "/app.js", "/style.css", ...
  std::string_view type;   // "text/html; charset=utf-8"
  std::string_view bytes;  // as in the repository
};

std::span<const WebFile> web_files();  // the page first; every path once

}  // namespace banyan::web
