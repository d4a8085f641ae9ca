#include "common/base/result.h"

namespace banyan {

std::string Error::text() const {
  std::string out = what;
  if (!where.empty()) out += " (" + where + ")";
  if (!why.empty()) out += ": " + why;
  if (!hint.empty()) out += "; " + hint;
  return out;
}

}  // namespace banyan
