#pragma once
// `banyan explain WORD`: one sentence for each word that the programs use. Pure table.

#include <string>
#include <string_view>
#include <vector>

namespace banyan::cli {

// Empty when the word is not known.
std::string_view explanation_of(std::string_view word);
std::vector<std::string> explained_words();

}  // namespace banyan::cli
