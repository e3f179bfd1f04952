#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/error.h"
#include "base/rng.h"
#include "convert/pull/file_hash.h"
#include "convert/pull/hub_server_for_test.h"

namespace spate {
namespace {

std::string_view HeaderOf(std::string_view head, std::string_view name) {
  const std::string start = "\r\n" + std::string(name) + ": ";
  const size_t at = head.find(start);
  if (at == std::string_view::npos) return {};
  const size_t begin = at + start.size();
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

void SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

FileHash::Sums SumsOf(const std::string& bytes) {
  FileHash sum(static_cast<int64_t>(bytes.size()), true);
  sum.Update(std::as_bytes(std::span(bytes)));
  return sum.Finish();
}

}  // namespace

TestFolder::TestFolder() {
  std::string name = std::filesystem::temp_directory_path() / "spate-pull-test-XXXXXX";
  CHECK(mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TestFolder::~TestFolder() { std::filesystem::remove_all(path_); }

void TestFolder::Write(const std::string& name, const std::string& bytes) const {
  std::filesystem::create_directories((path_ / name).parent_path());
  std::ofstream(path_ / name, std::ios::binary) << bytes;
}

std::string TestFolder::Read(const std::string& name) const {
  std::ifstream file(path_ / name, std::ios::binary);
  if (!file) return "(none)";
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> TestFolder::Names() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path_)) {
    if (!entry.is_directory()) names.push_back(entry.path().lexically_relative(path_));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string ErrorOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return fmt::format("{}: {}", error.exit_code(), error.what());
  }
  return "done";
}

std::string GitSha1(const std::string& bytes) { return SumsOf(bytes).git_sha1; }
std::string Sha256Of(const std::string& bytes) { return SumsOf(bytes).sha256; }

std::string RandomBytes(size_t size, uint32_t seed) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>(Philox4x32({static_cast<uint32_t>(i / 16), 0, 0, 0}, {seed, 0})[i % 4] >> (i % 16));
  }
  return bytes;
}

HubServer::HubServer() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  CHECK(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(listener_, 64) == 0);
  CHECK(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

HubServer::~HubServer() {
  ends_ = true;
  thread_.join();
  for (std::thread& connection : connections_) connection.join();
  close(listener_);
}

std::string HubServer::url() const { return "http://127.0.0.1:" + std::to_string(port_); }

void HubServer::Add(const std::string& repo, const std::string& name, const std::string& bytes, bool large) {
  const std::lock_guard lock(mutex_);
  repos_[repo][name] = {bytes, large};
}

void HubServer::SetListing(const std::string& repo, const std::string& json) {
  const std::lock_guard lock(mutex_);
  listings_[repo] = json;
}

void HubServer::AddPath(const std::string& path, const std::string& bytes) {
  const std::lock_guard lock(mutex_);
  paths_[path] = bytes;
}

void HubServer::Fail(const std::string& path_end, const HubFault& fault) {
  const std::lock_guard lock(mutex_);
  faults_.emplace_back(path_end, fault);
}

void HubServer::RequireToken(const std::string& token) {
  const std::lock_guard lock(mutex_);
  token_ = token;
}

std::vector<SeenRequest> HubServer::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

std::string HubServer::FilePath(const std::string& repo, const std::string& name) {
  return "/" + repo + "/resolve/" + kCommit + "/" + name;
}

std::string HubServer::Listing(const std::string& repo) const {
  nlohmann::json siblings = nlohmann::json::array();
  for (const auto& [name, file] : repos_.at(repo)) {
    nlohmann::json entry = {{"rfilename", name}, {"size", file.bytes.size()}, {"blobId", GitSha1(file.bytes)}};
    if (file.large) entry["lfs"] = {{"sha256", Sha256Of(file.bytes)}, {"size", file.bytes.size()}};
    siblings.push_back(entry);
  }
  return nlohmann::json{{"sha", kCommit}, {"siblings", siblings}}.dump();
}

bool HubServer::Find(const std::string& path, std::string* body) const {
  if (const auto it = paths_.find(path); it != paths_.end()) return *body = it->second, true;
  for (const auto& [repo, files] : repos_) {
    if (path.starts_with("/api/models/" + repo + "/revision/")) {
      const auto set = listings_.find(repo);
      return *body = set != listings_.end() ? set->second : Listing(repo), true;
    }
    for (const auto& [name, file] : files) {
      if (path == FilePath(repo, name)) return *body = file.bytes, true;
    }
  }
  return false;
}

void HubServer::Serve() {
  while (!ends_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (poll(&waiting, 1, 10) <= 0) continue;
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    const timeval patience{5, 0};
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    const std::lock_guard lock(mutex_);
    connections_.emplace_back([this, connection] {
      Answer(connection);
      shutdown(connection, SHUT_RDWR);
      close(connection);
    });
  }
}

// One request per connection.
void HubServer::Answer(int connection) {
  std::string head;
  char piece[4096];
  while (head.find("\r\n\r\n") == std::string::npos) {
    const ssize_t count = recv(connection, piece, sizeof(piece), 0);
    if (count <= 0) return;
    head.append(piece, static_cast<size_t>(count));
  }
  const size_t begin = head.find(' ') + 1;
  std::string path = head.substr(begin, head.find(' ', begin) - begin);
  path = path.substr(0, path.find('?'));
  const SeenRequest request{path, std::string(HeaderOf(head, "Range")), std::string(HeaderOf(head, "If-Range")),
                            std::string(HeaderOf(head, "Authorization"))};
  HubFault fault;
  std::string body;
  bool found = false, refused = false;
  {
    const std::lock_guard lock(mutex_);
    seen_.push_back(request);
    for (auto it = faults_.begin(); it != faults_.end(); ++it) {
      if (!path.ends_with(it->first)) continue;
      fault = it->second;
      faults_.erase(it);
      break;
    }
    found = Find(path, &body);
    refused = !token_.empty() && !paths_.contains(path) && request.authorization != "Bearer " + token_;
  }
  if (fault.status == 200 && refused) fault.status = 401;
  if (fault.status == 200 && !found) fault.status = 404;
  if (!fault.body.empty()) body = fault.body;
  const std::string etag = "\"" + GitSha1(body) + "\"";

  size_t from = 0;
  if (request.range.starts_with("bytes=") && (request.if_range.empty() || request.if_range == etag)) {
    std::from_chars(request.range.data() + 6, request.range.data() + request.range.size(), from);
  }
  if (fault.ignore_range) from = 0;
  std::string answer;
  if (fault.status != 200) {
    answer = "HTTP/1.1 " + std::to_string(fault.status) + " Fault\r\n";
    body = "an error page";
    from = 0;
  } else if (from > 0 && from >= body.size()) {
    answer = "HTTP/1.1 416 Range Not Satisfiable\r\n";
    body.clear();
    from = 0;
  } else if (from > 0) {
    answer = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " + std::to_string(from) + "-" +
             std::to_string(body.size() - 1) + "/" + std::to_string(body.size()) + "\r\n";
  } else {
    answer = "HTTP/1.1 200 OK\r\n";
  }
  body.erase(0, from);
  const auto length = fault.announce >= 0 ? static_cast<size_t>(fault.announce) : body.size();
  if (!fault.no_length) answer += "Content-Length: " + std::to_string(length) + "\r\n";
  answer += "ETag: " + etag + "\r\nConnection: close\r\n" + fault.headers + "\r\n";
  SendAll(connection, answer);
  if (fault.break_after >= 0) body.resize(std::min(body.size(), static_cast<size_t>(fault.break_after)));
  const size_t first =
      fault.stall_after >= 0 ? std::min(body.size(), static_cast<size_t>(fault.stall_after)) : body.size();
  SendAll(connection, std::string_view(body).substr(0, first));
  for (int waited = 0; first < body.size() && waited < fault.stall_ms && !ends_; waited += 10) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  SendAll(connection, std::string_view(body).substr(first));
}

}  // namespace spate
