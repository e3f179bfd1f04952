// What a terminal can do, asked once: colours and redrawn lines only where a person looks.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace spate {

bool IsTerminal(std::FILE* stream);  // false too when NO_COLOR or TERM=dumb asks for plain text
bool IsTty(std::FILE* stream);       // a terminal, whatever the environment asks for
bool CanRedraw(std::FILE* stream);   // a terminal that understands escape sequences
int TerminalColumns();               // of stderr; 100 when it is no terminal

// `text` in a dim or bold face on a terminal, as it is elsewhere.
std::string Dim(std::string_view text, std::FILE* stream);
std::string Bold(std::string_view text, std::FILE* stream);

}  // namespace spate
