#pragma once
// Expected failures are values. Broken invariants are CHECKs (check.h).

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace banyan {

// What failed, on what, why, and what to try next. All but `what` may be empty.
struct Error {
  std::string what;
  std::string where;
  std::string why;
  std::string hint;

  // "what (where): why; hint", without the empty parts.
  std::string text() const;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> failure(std::string what, std::string where = {}, std::string why = {},
                                     std::string hint = {}) {
  return tl::unexpected<Error>(
      Error{std::move(what), std::move(where), std::move(why), std::move(hint)});
}

}  // namespace banyan
