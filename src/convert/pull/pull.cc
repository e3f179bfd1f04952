#include "convert/pull/pull.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "convert/pull/gguf_names.h"
#include "convert/pull/hub_files.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

// The endpoint as addresses begin with it; what it may not be is the user's error.
std::string Endpoint(const CurlLibrary& curl, std::string text) {
  while (text.ends_with('/')) text.pop_back();
  try {
    if (!ParseHttpUrl(curl, text, "--endpoint").has_query) return text;
  } catch (const Error& error) {
    throw Error(ErrorCode::kUsage, "{}", error.what());
  }
  throw Error(ErrorCode::kUsage, "--endpoint: expected https://HOST[:PORT][/PATH], got one with ? or #");
}

// Keeps other pulls of the model away until its end, however that comes.
UniqueFd Lock(const fs::path& folder, const ModelName& model) {
  const fs::path path = folder.parent_path() / ("." + folder.filename().string() + ".lock");
  UniqueFd lock(open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!lock.valid()) {
    throw Error(ErrorCode::kEnvironment, "{}: cannot write: {}", path.string(), std::strerror(errno));
  }
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    throw Error(ErrorCode::kEnvironment, "{}: another pull of it is under way ({}); wait for it", model.text(),
                path.string());
  }
  return lock;
}

// The SHA-256 of files that are there and right, by name.
std::map<std::string, std::string> CheckFiles(const std::vector<HubFile>& files, const fs::path& folder,
                                              const PullOptions& options) {
  std::vector<std::pair<const HubFile*, UniqueFd>> there;
  int64_t total = 0, done = 0;
  for (const HubFile& file : files) {
    UniqueFd fd = OpenBelow(folder, file.name);
    if (!fd.valid() || SizeOf(fd, file.name) != file.size) continue;
    total += file.size;
    there.emplace_back(&file, std::move(fd));
  }
  std::map<std::string, std::string> sums;
  for (const auto& [file, fd] : there) {
    FileHash sum(file->size, file->sha256.empty());
    AddToSum(fd, (folder / file->name).string(), &sum, [&](int64_t bytes) {
      if (options.checking) options.checking(done += bytes, total);
      if (options.fetch.stop && options.fetch.stop()) throw Error(ErrorCode::kInterrupted, "pull: interrupted");
    });
    FileHash::Sums got = sum.Finish();
    if (file->sha256.empty() ? got.git_sha1 == file->git_sha1 : got.sha256 == file->sha256) {
      sums[file->name] = std::move(got.sha256);
    }
  }
  return sums;
}

void CheckSpace(const fs::path& folder, const std::vector<FetchJob>& jobs, const ModelName& model) {
  uint64_t needed = 0;
  for (const FetchJob& job : jobs) needed += static_cast<uint64_t>(job.file.size - PartSize(folder, job.file));
  struct statvfs status {};
  if (statvfs(folder.c_str(), &status) != 0) return;  // the disk itself will say it
  const uint64_t free = uint64_t{status.f_bavail} * status.f_frsize;
  if (needed <= free) return;
  throw Error(ErrorCode::kDoesNotFit,
              "{}: needs {:.2f} GB more in {}, which has {:.2f} GB free; set SPATE_HOME to a larger disk or pull "
              "another quantization",
              model.text(), static_cast<double>(needed) / 1e9, folder.string(), static_cast<double>(free) / 1e9);
}

bool IsGguf(const std::string& name) { return name.ends_with(".gguf"); }

bool Holds(const std::vector<HubFile>& files, const std::string& name) {
  return std::any_of(files.begin(), files.end(), [&](const HubFile& file) { return file.name == name; });
}

// What the manifest says of other models in the folder than the one of `files`. GGUF files are chosen by it: one of the
// same quantization, which another commit named otherwise, is left out. What cannot be read is written anew.
FileSums OtherModels(const fs::path& folder, const std::vector<HubFile>& files) {
  FileSums manifest;
  try {
    manifest = ReadStoreManifest(folder).value_or(FileSums{});
  } catch (const Error&) {
    return {};
  }
  const bool gguf = IsGguf(files.front().name);
  std::erase_if(manifest, [&](const auto& entry) {
    const std::string& name = entry.first;
    if (Holds(files, name) || !OpenBelow(folder, name).valid()) return true;
    return gguf ? IsGguf(name) && QuantOf(name) == QuantOf(files.front().name) : !IsGguf(name);
  });
  return manifest;
}

// Of the folder's files those that an earlier commit had: a loader would find them.
void RemoveLeftovers(const fs::path& folder, const std::vector<HubFile>& files) {
  if (IsGguf(files.front().name)) return;
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename();
    std::error_code ignored;
    if (!it->is_directory(ignored) && IsModelFile(name) && !Holds(files, name)) found.push_back(it->path());
  }
  for (const fs::path& path : found) fs::remove(path, error);
}

}  // namespace

PullReport Pull(const PullOptions& given) {
  const CurlLibrary curl;
  PullOptions options = given;
  std::string& endpoint = options.fetch.transfer.http.endpoint;
  endpoint = Endpoint(curl, endpoint);
  const ModelName& model = options.model;
  const std::string source = endpoint + ": " + model.repo();

  Downloader downloader(curl, options.fetch.transfer, options.fetch.stop);
  const std::string revision = model.revision.empty() ? "main" : model.revision;
  const HubListing listing =
      ParseHubListing(downloader.Read(fmt::format("{}/api/models/{}/revision/{}?blobs=true", endpoint, model.repo(),
                                                  PercentEncode(revision, false)),
                                      source, kMaxListingBytes),
                      source);
  const std::vector<HubFile> files = SelectFiles(listing, model.quant, source);

  const fs::path folder = FolderOf(options.store, model);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error(ErrorCode::kEnvironment, "{}: cannot make the folder: {}", folder.string(), error.message());
  const UniqueFd lock = Lock(folder, model);

  std::map<std::string, std::string> sums = CheckFiles(files, folder, options);
  std::vector<FetchJob> jobs;
  for (const HubFile& file : files) {
    if (sums.contains(file.name)) continue;
    jobs.push_back({file, fmt::format("{}/{}/resolve/{}/{}", endpoint, model.repo(), listing.commit,
                                      PercentEncode(file.name, true))});
  }
  FileSums manifest = OtherModels(folder, files);
  PullReport report{.commit = listing.commit, .folder = folder, .files = {}, .bytes = 0, .fetched_bytes = 0};
  if (!jobs.empty()) {
    CheckSpace(folder, jobs, model);
    // Until all is there, the manifest speaks of the others alone.
    if (manifest.empty()) {
      fs::remove(folder / kManifestName, error);
    } else {
      WriteStoreManifest(folder, manifest);
    }
    for (const FetchJob& job : jobs) report.fetched_bytes += job.file.size - PartSize(folder, job.file);
    sums.merge(FetchAll(curl, jobs, folder, source, options.fetch));
  }
  for (const HubFile& file : files) {
    report.files[file.name] = {file.size, sums.at(file.name)};
    report.bytes += file.size;
  }
  RemoveLeftovers(folder, files);
  manifest.insert(report.files.begin(), report.files.end());
  WriteStoreManifest(folder, manifest);
  return report;
}

}  // namespace spate
