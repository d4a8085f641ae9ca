#pragma once
// Names and paths. A name is [a-z0-9][a-z0-9._-]{0,62}; a path is names joined by '/', from below
// some node ("" is that node itself). Pure, no state.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace banyan {

inline constexpr std::size_t max_name_length = 63;
inline constexpr std::size_t max_tree_depth = 16;

bool is_name(std::string_view text);

// The nearest valid name: lower-cased, other characters become '-', cut at 63 bytes. Never empty
// ("unnamed" when nothing is left).
std::string mend_name(std::string_view text);

// "a", "b/c" -> "a/b/c"; an empty side disappears.
std::string join_path(std::string_view head, std::string_view tail);

// "a/b/c" -> {"a", "b/c"}; "a" -> {"a", ""}.
std::pair<std::string_view, std::string_view> split_first(std::string_view path);
// "a/b/c" -> {"a/b", "c"}; "a" -> {"", "a"}.
std::pair<std::string_view, std::string_view> split_last(std::string_view path);

std::vector<std::string_view> split_path(std::string_view path);

// True for "" and for names joined by '/' up to max_tree_depth + 1 of them.
bool is_path(std::string_view text);

}  // namespace banyan
