// What Python's str does, on valid UTF-8: whitespace, case, classes, searching, repr. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace spate::jinja {

bool IsSpace(uint32_t code_point);  // str.isspace: White_Space and the four separators U+001C to U+001F
bool IsLineBreak(uint32_t code_point);
bool IsPrintable(uint32_t code_point);
bool IsAlpha(uint32_t code_point);
bool IsDecimal(uint32_t code_point);
bool IsDigitCharacter(uint32_t code_point);  // decimals and superscripts, circled digits, ...
bool IsNumeric(uint32_t code_point);
bool IsUpper(uint32_t code_point);
bool IsLower(uint32_t code_point);
bool IsTitle(uint32_t code_point);

std::string_view StripLeft(std::string_view text);
std::string_view StripRight(std::string_view text);
std::string_view Strip(std::string_view text);
// Takes characters that are in `set` away.
std::string_view StripSet(std::string_view text, std::string_view set, bool left, bool right);

size_t CountChars(std::string_view text);
size_t OffsetOfChar(std::string_view text, size_t index);  // bytes before that character; all when there are fewer
void AppendCodePoint(std::string& out, uint32_t code_point);

// In linear time, whatever is searched for.
size_t Find(std::string_view text, std::string_view part, size_t from = 0);
size_t FindLast(std::string_view text, std::string_view part);
// How often `part` occurs, without overlap; counting stops at `most`.
size_t CountParts(std::string_view text, std::string_view part, size_t most = SIZE_MAX);
std::string Replace(std::string_view text, std::string_view old, std::string_view with, int64_t count);

std::vector<std::string_view> Split(std::string_view text, std::string_view separator, int64_t max);
std::vector<std::string_view> SplitSpace(std::string_view text, int64_t max);
std::vector<std::string_view> SplitLast(std::string_view text, std::string_view separator, int64_t max);
std::vector<std::string_view> SplitSpaceLast(std::string_view text, int64_t max);
std::vector<std::string_view> SplitLines(std::string_view text, bool keep_ends);

std::string Upper(std::string_view text);
std::string Lower(std::string_view text);
std::string Title(std::string_view text);       // str.title
std::string Capitalize(std::string_view text);  // str.capitalize
std::string SwapCase(std::string_view text);

std::string ReprText(std::string_view text);    // with quotes
std::string EscapeHtml(std::string_view text);  // & < > ' "
std::string StripTags(std::string_view text);

}  // namespace spate::jinja
