#include "tests/terminal_program.h"

#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <stdexcept>

namespace spate {
namespace {

// Sanitizers on a busy machine are a hundred times slower than a release; a test that fails may take long.
constexpr int kPatienceMs = 120'000;

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

TerminalProgram::TerminalProgram(std::vector<std::string> arguments,
                                 const std::map<std::string, std::string>& environment) {
  arguments.insert(arguments.begin(), SPATE_PROGRAM);
  std::vector<std::string> variables;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view variable = *at;
    if (!environment.contains(std::string(variable.substr(0, variable.find('='))))) variables.emplace_back(variable);
  }
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
  const std::vector<char*> argv = Pointers(arguments);
  const std::vector<char*> envp = Pointers(variables);
  const winsize size{.ws_row = 40, .ws_col = 200, .ws_xpixel = 0, .ws_ypixel = 0};
  pid_ = forkpty(&fd_, nullptr, nullptr, &size);
  if (pid_ < 0) throw std::runtime_error("forkpty");
  if (pid_ == 0) {
    execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
}

TerminalProgram::~TerminalProgram() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(fd_);
}

void TerminalProgram::Type(std::string_view keys) {
  while (!keys.empty()) {
    const ssize_t count = write(fd_, keys.data(), keys.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw std::runtime_error("the terminal takes no keys");
    keys.remove_prefix(static_cast<size_t>(count));
  }
}

bool TerminalProgram::ReadMore(int timeout_ms) {
  pollfd wait{fd_, POLLIN, 0};
  if (poll(&wait, 1, timeout_ms) <= 0) return false;
  std::array<char, 4096> buffer;
  const ssize_t count = read(fd_, buffer.data(), buffer.size());
  if (count <= 0) return false;  // EIO: the other end is closed
  shown_.append(buffer.data(), static_cast<size_t>(count));
  return true;
}

bool TerminalProgram::WaitFor(std::string_view text) {
  while (true) {
    const size_t at = shown_.find(text, found_);
    if (at != std::string::npos) {
      found_ = at + text.size();
      return true;
    }
    if (!ReadMore(kPatienceMs)) return false;
  }
}

bool TerminalProgram::Available() {
  int master = -1;
  int slave = -1;
  if (openpty(&master, &slave, nullptr, nullptr, nullptr) != 0) return false;
  close(master);
  close(slave);
  return true;
}

bool TerminalProgram::WaitForLetter() {
  constexpr std::string_view kErase = "\033[K";  // what a redrawn line ends with, from its carriage return on
  while (true) {
    for (size_t at = found_; at < shown_.size(); ++at) {
      if (shown_[at] == '\r' && shown_.substr(at, 2) != "\r\n") {
        at = shown_.find(kErase, at);
        if (at == std::string::npos) break;
        at += kErase.size() - 1;
      } else if (std::isalpha(static_cast<unsigned char>(shown_[at])) != 0) {
        found_ = at + 1;
        return true;
      }
    }
    if (!ReadMore(kPatienceMs)) return false;
  }
}

int TerminalProgram::Finish() {
  while (ReadMore(kPatienceMs)) {
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void TerminalProgram::Signal(int signal) const { kill(pid_, signal); }

}  // namespace spate
