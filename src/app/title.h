// A conversation's title, from what it begins with.
#pragma once

#include <string>
#include <string_view>

namespace parley::app {

// The first sentence or clause of a user's message, without Markdown: at most 40 characters, of
// which Chinese ones (and their like) count as two. Empty when there are no words.
std::string make_title(std::string_view message);

}  // namespace parley::app
