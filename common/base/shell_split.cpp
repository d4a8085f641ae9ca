#include "common/base/shell_split.h"

#include <optional>

namespace banyan {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  Result<std::vector<std::string>> run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const auto done = is_blank(c) ? end_word()
                        : c == '\'' ? single_quoted()
                        : c == '"'  ? double_quoted()
                        : c == '\\' ? escaped()
                                    : plain(c);
      if (!done) return tl::unexpected<Error>(done.error());
    }
    end_word();
    return std::move(words_);
  }

 private:
  Status end_word() {
    if (word_) words_.push_back(std::move(*word_));
    word_.reset();
    ++at_;
    return {};
  }

  Status plain(char c) {
    add(c);
    ++at_;
    return {};
  }

  Status single_quoted() {
    const auto end = text_.find('\'', at_ + 1);
    if (end == std::string_view::npos) return unterminated("single quote", at_);
    open_word().append(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return {};
  }

  Status double_quoted() {
    const auto begin = at_++;
    open_word();
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size() && is_special(text_[at_ + 1])) {
        ++at_;
        if (text_[at_] != '\n') add(text_[at_]);
      } else {
        add(text_[at_]);
      }
      ++at_;
    }
    if (at_ >= text_.size()) return unterminated("double quote", begin);
    ++at_;
    return {};
  }

  Status escaped() {
    if (at_ + 1 >= text_.size()) return unterminated("backslash", at_);
    if (text_[at_ + 1] != '\n') add(text_[at_ + 1]);
    at_ += 2;
    return {};
  }

  static bool is_special(char c) {
    return c == '"' || c == '\\' || c == '$' || c == '`' || c == '\n';
  }

  std::string& open_word() {
    if (!word_) word_.emplace();
    return *word_;
  }
  void add(char c) { open_word() += c; }

  static tl::unexpected<Error> unterminated(const char* what, std::size_t at) {
    return failure(std::string{"unterminated "} + what, "column " + std::to_string(at + 1), {},
                   "close it, or write \\ before a quote that is meant as it stands");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::optional<std::string> word_;  // empty words exist: ''
  std::vector<std::string> words_;
};

}  // namespace

Result<std::vector<std::string>> shell_split(std::string_view text) { return Splitter{text}.run(); }

}  // namespace banyan
