// A hub on 127.0.0.1 for tests: one repository in memory, served by threads of this process, with faults on demand.
// Owned by the test; its functions may be called while it serves.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace spate {

// What is wrong with one answer. Faults are spent one request after the other.
struct HubFault {
  int status = 200;           // another one: this answer instead
  std::string headers{};      // further lines, each with "\r\n"
  bool ignore_range = false;  // send all of it
  bool no_length = false;     // the end of the connection is the end of the body
  int64_t announce = -1;      // a Content-Length that is not the body's
  int64_t break_after = -1;   // bytes of the body, then the connection ends
  int64_t stall_after = -1;   // bytes of the body, then nothing more comes for stall_ms
  int stall_ms = 0;
  std::string body{};  // instead of the file's, if not empty
};

struct SeenRequest {
  std::string path, range, if_range, authorization;
};

class HubServer {
 public:
  static constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";

  HubServer();
  ~HubServer();
  HubServer(const HubServer&) = delete;
  HubServer& operator=(const HubServer&) = delete;

  std::string url() const;  // http://127.0.0.1:PORT
  int port() const { return port_; }

  // A file of the repository; listed with SHA-256 (`large`) or with git's SHA-1.
  void Add(const std::string& repo, const std::string& name, const std::string& bytes, bool large);
  // Another listing than the one that follows from the files.
  void SetListing(const std::string& repo, const std::string& json);
  std::string Listing(const std::string& repo) const;
  // A file at a plain path, such as the target of a redirect.
  void AddPath(const std::string& path, const std::string& bytes);
  // For the next request whose path ends so; several are spent in order.
  void Fail(const std::string& path_end, const HubFault& fault);
  void RequireToken(const std::string& token);  // 401 without it; not for AddPath's

  std::vector<SeenRequest> seen() const;
  static std::string FilePath(const std::string& repo, const std::string& name);

 private:
  struct File {
    std::string bytes;
    bool large = false;
  };

  void Serve();
  void Answer(int connection);
  bool Find(const std::string& path, std::string* body) const;

  int listener_ = -1, port_ = 0;
  std::atomic<bool> ends_{false};
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, std::map<std::string, File>> repos_;
  std::map<std::string, std::string> listings_, paths_;
  std::vector<std::pair<std::string, HubFault>> faults_;
  std::vector<SeenRequest> seen_;
  std::string token_;
  std::vector<std::thread> connections_;
  std::thread thread_;
};

// A folder of its own, which goes with it.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  void Write(const std::string& name, const std::string& bytes) const;  // makes folders between
  std::string Read(const std::string& name) const;                      // "(none)" when it is not there
  std::vector<std::string> Names() const;                               // of all files below, sorted

 private:
  std::filesystem::path path_;
};

// "CODE: message" of what `action` throws, of one line; "done" when nothing.
std::string ErrorOf(const std::function<void()>& action);

std::string GitSha1(const std::string& bytes);
std::string Sha256Of(const std::string& bytes);
std::string RandomBytes(size_t size, uint32_t seed);

}  // namespace spate
