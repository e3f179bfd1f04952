#include "app/tokenize_lines.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace spate {
namespace {

constexpr size_t kMaxLineBytes = size_t{1} << 30;

std::vector<int32_t> Ids(const nlohmann::json& list, const std::string& where) {
  std::vector<int32_t> ids;
  for (const nlohmann::json& id : list) {
    const bool fits = id.is_number_unsigned() && id.get<uint64_t>() <= INT32_MAX;
    if (!fits) throw Error(ErrorCode::kBadInput, "{}: {}, expected an id", where, DescribeJson(id));
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

nlohmann::json Answer(const Tokenizer& tokenizer, const nlohmann::json& line, const LinesOptions& options,
                      const std::string& where) {
  if (line.is_string()) return tokenizer.Encode(line.get_ref<const std::string&>(), options.encode);
  if (line.is_array()) return tokenizer.Decode(Ids(line, where), options.skip_special);
  throw Error(ErrorCode::kBadInput, "{}: {}, expected a string or a list of ids", where, DescribeJson(line));
}

}  // namespace

std::string JsonText(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void TokenizeLines(const Tokenizer& tokenizer, std::string_view input, const LinesOptions& options) {
  for (size_t number = 1; !input.empty(); ++number) {
    const std::string_view line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(input.size(), line.size() + 1));
    const std::string where = fmt::format("{} line {}", options.file, number);
    const std::string out =
        JsonText(Answer(tokenizer, ParseJson(line, {.max_bytes = kMaxLineBytes}, where), options, where)) + '\n';
    std::fwrite(out.data(), 1, out.size(), stdout);
  }
}

}  // namespace spate
