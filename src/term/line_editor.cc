#include "term/line_editor.h"

#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "base/error.h"
#include "base/utf8.h"

namespace spate {
namespace {

constexpr std::string_view kPasteOn = "\033[?2004h";
constexpr std::string_view kPasteOff = "\033[?2004l";
constexpr std::wstring_view kPasteEnd = L"\033[201~";

std::wstring Wide(std::string_view text) {
  std::wstring wide;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = DecodeUtf8(text, at);
    wide += static_cast<wchar_t>(c.length == 0 ? kReplacementChar : c.code_point);
    at += c.length == 0 ? 1 : static_cast<size_t>(c.length);
  }
  return wide;
}

std::string Narrow(std::wstring_view wide) {
  std::string text;
  for (const wchar_t c : wide) {
    const auto code = static_cast<char32_t>(c);
    AppendUtf8(text, code < 0xD800 || (code > 0xDFFF && code <= 0x10FFFF) ? code : kReplacementChar);
  }
  return text;
}

// libedit counts columns and writes characters as the thread's locale says. The texts are UTF-8 whatever LANG is, and
// only while it works may the locale differ from that of the rest of the program.
class Utf8Locale {
 public:
  Utf8Locale() : locale_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)), before_(uselocale(locale_)) {}
  ~Utf8Locale() {
    uselocale(before_);
    if (locale_ != nullptr) freelocale(locale_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  locale_t locale_;  // null where the system lacks it: then uselocale only asks
  locale_t before_;
};

// One character of UTF-8 from the terminal, byte by byte. 1 = got it, 0 = end, -1 = error.
int ReadUtf8(wchar_t* out) {
  std::string bytes;
  do {
    char byte = 0;
    const ssize_t count = read(STDIN_FILENO, &byte, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return static_cast<int>(count);
    bytes += byte;
  } while (bytes.empty() || IncompleteUtf8Tail(bytes) > 0);
  const Utf8Char c = DecodeUtf8(bytes, 0);
  *out = static_cast<wchar_t>(c.length == 0 ? kReplacementChar : c.code_point);
  return 1;
}

}  // namespace

class LineEditor::Impl {
 public:
  Impl(TerminalSignals& signals, HistoryFile& history, LineEditorOptions options)
      : signals_(signals), file_(history), options_(std::move(options)) {
    const Utf8Locale locale;
    edit_.reset(el_init("spate", stdin, stdout, stderr));
    history_.reset(history_winit());
    if (edit_ == nullptr || history_ == nullptr)
      throw Error(ErrorCode::kEnvironment, "the terminal cannot be used for line editing; try  spate chat < FILE");
    HistEventW event;
    history_w(history_.get(), &event, H_SETSIZE, static_cast<int>(HistoryFile::kMaxEntries));
    history_w(history_.get(), &event, H_SETUNIQUE, 1);
    for (const std::string& entry : file_.entries()) Enter(entry);

    EditLine* const el = edit_.get();
    el_wset(el, EL_CLIENTDATA, this);
    el_wset(el, EL_GETCFN, GetChar);
    el_wset(el, EL_PROMPT_ESC, Prompt, L'\1');
    el_wset(el, EL_HIST, history_w, history_.get());
    el_wset(el, EL_SIGNAL, 0);
    el_wset(el, EL_EDITOR, L"emacs");
    el_wset(el, EL_ADDFN, L"spate-paste", L"text pasted into the terminal", Paste);
    el_wset(el, EL_BIND, L"\\e[200~", L"spate-paste", nullptr);
    el_wset(el, EL_ADDFN, L"spate-complete", L"complete a command", Complete);
    el_wset(el, EL_BIND, L"^I", L"spate-complete", nullptr);
    el_wset(el, EL_BIND, L"^R", L"em-inc-search-prev", nullptr);
    el_source(el, nullptr);  // ~/.editrc
  }

  LineStatus Read(bool first, std::string& line) {
    const Utf8Locale locale;
    status_ = LineStatus::kEnd;  // unless something else happens: Ctrl-D on an empty line
    pasted_too_much_ = false;
    // libedit shows what is between the marks with the character behind it: a sequence at the very end would be lost.
    const std::string_view mark = first ? ">" : ".";
    prompt_ = Wide(options_.color ? fmt::format("\1\033[{}m\1{}\1\033[0m\1 ", first ? "1;32" : "2", mark)
                                  : fmt::format("{} ", mark));
    el_resize(edit_.get());
    Send(kPasteOn);
    int count = 0;
    const wchar_t* const text = el_wgets(edit_.get(), &count);
    Send(kPasteOff);
    if (pasted_too_much_) fmt::print(stderr, "pasted text cut after {} characters; try /load or a pipe\n", kMaxPaste);
    if (text == nullptr || count <= 0) {
      if (status_ == LineStatus::kInterrupt) std::fputs("^C", stdout);
      std::fputs("\n", stdout);
      std::fflush(stdout);
      return status_;
    }
    line = Narrow({text, static_cast<size_t>(count)});
    if (line.ends_with('\n')) line.pop_back();
    return LineStatus::kLine;
  }

  void Remember(const std::string& message) {
    if (message.size() > HistoryFile::kMaxEntryBytes) return;
    Enter(message);
    file_.Append(message);
  }

 private:
  struct EndEdit {
    void operator()(EditLine* el) const { el_end(el); }
  };
  struct EndHistory {
    void operator()(HistoryW* history) const { history_wend(history); }
  };

  static Impl& Self(EditLine* el) {
    void* self = nullptr;
    el_wget(el, EL_CLIENTDATA, &self);
    return *static_cast<Impl*>(self);
  }

  // Called by libedit, which keeps no copy. Its type is without const.
  static wchar_t* Prompt(EditLine* el) { return Self(el).prompt_.data(); }

  static int GetChar(EditLine* el, wchar_t* out) { return Self(el).WaitChar(out); }

  int WaitChar(wchar_t* out) {
    while (true) {
      std::array<pollfd, 2> wait = {pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{signals_.fd(), POLLIN, 0}};
      if (poll(wait.data(), wait.size(), -1) < 0 && errno != EINTR) return Stop(LineStatus::kTerminate);
      signals_.Drain();
      if (signals_.ended()) return Stop(LineStatus::kTerminate);
      if (signals_.TakeInterrupt()) return Stop(LineStatus::kInterrupt);
      if (signals_.TakeRedraw()) Redraw();
      if (wait[0].revents == 0) continue;
      if (ReadUtf8(out) != 1) return Stop(LineStatus::kTerminate);
      // How the kernel keeps a Ctrl-D that was typed before the terminal was in libedit's mode.
      if (*out == L'\0') *out = L'\4';
      return 1;
    }
  }

  int Stop(LineStatus status) {
    status_ = status;
    return -1;
  }

  // After a change of the window's size, or when the shell had the terminal in between.
  void Redraw() {
    el_wset(edit_.get(), EL_PREP_TERM, 0);
    el_wset(edit_.get(), EL_PREP_TERM, 1);
    el_resize(edit_.get());
    el_wset(edit_.get(), EL_REFRESH);
  }

  static unsigned char Paste(EditLine* el, wint_t) {
    std::wstring text;
    wchar_t c = 0;
    while (!text.ends_with(kPasteEnd)) {
      if (el_wgetc(el, &c) != 1) return CC_ERROR;  // the next read ends the line
      if (text.size() < kMaxPaste + kPasteEnd.size()) {
        text += c == L'\r' ? L'\n' : c;
      } else {
        // The end is still looked for in what is dropped.
        Self(el).pasted_too_much_ = true;
        text.erase(text.size() - kPasteEnd.size(), 1);
        text += c;
      }
    }
    text.erase(text.size() - kPasteEnd.size());
    while (text.ends_with(L'\n')) text.pop_back();  // Enter is for the person to press
    std::erase_if(text, [](wchar_t w) { return (w < 0x20 && w != L'\n' && w != L'\t') || w == 0x7F; });
    if (!text.empty() && el_winsertstr(el, text.c_str()) != 0) return CC_ERROR;
    return CC_REFRESH;
  }

  static unsigned char Complete(EditLine* el, wint_t) {
    const LineInfoW* const info = el_wline(el);
    const std::string begin = Narrow({info->buffer, static_cast<size_t>(info->cursor - info->buffer)});
    const std::vector<std::string> offers = Self(el).options_.complete(begin);
    if (offers.empty()) return CC_ERROR;
    std::string common = offers.front();
    for (const std::string& offer : offers) {
      const auto differ = std::mismatch(common.begin(), common.end(), offer.begin(), offer.end());
      common.erase(differ.first, common.end());
    }
    if (common.size() <= begin.size()) return CC_ERROR;
    const std::wstring more = Wide(std::string_view(common).substr(begin.size()));
    return el_winsertstr(el, more.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
  }

  void Enter(const std::string& entry) {
    HistEventW event;
    history_w(history_.get(), &event, H_ENTER, Wide(entry).c_str());
  }

  void Send(std::string_view sequence) const {
    if (!options_.capable) return;
    std::fwrite(sequence.data(), 1, sequence.size(), stdout);
    std::fflush(stdout);
  }

  TerminalSignals& signals_;
  HistoryFile& file_;
  LineEditorOptions options_;
  std::unique_ptr<HistoryW, EndHistory> history_;
  std::unique_ptr<EditLine, EndEdit> edit_;
  std::wstring prompt_;
  LineStatus status_ = LineStatus::kEnd;
  bool pasted_too_much_ = false;
};

LineEditor::LineEditor(TerminalSignals& signals, HistoryFile& history, LineEditorOptions options)
    : impl_(std::make_unique<Impl>(signals, history, std::move(options))) {}
LineEditor::~LineEditor() = default;

LineStatus LineEditor::Read(bool first, std::string& line) { return impl_->Read(first, line); }
void LineEditor::Remember(const std::string& message) { impl_->Remember(message); }

}  // namespace spate
