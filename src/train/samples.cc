#include "train/samples.h"

#include <cstring>
#include <fstream>

#include "base/error.h"

namespace parley::train {
std::string markdown_quotation(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::strchr("*_`<[\\#", c) && c != '\0') out += '\\';
    out += c;
    if (c == '\n') out += "> ";
  }
  return out;
}

void append_samples(const base::fs::path& file, std::string_view title,
                    const std::vector<SampledAnswer>& samples) {
  std::string markdown = fmt::format("## {}\n\n", title);
  for (const SampledAnswer& sample : samples) {
    markdown += fmt::format("> **{}**\n>\n> {}\n", markdown_quotation(sample.prompt),
                            markdown_quotation(sample.answer));
    if (!sample.note.empty()) markdown += fmt::format(">\n> *{}*\n", sample.note);
    markdown += '\n';
  }
  std::ofstream out(file, std::ios::app | std::ios::binary);
  out << markdown << std::flush;
  if (!out) base::fail("{}: cannot write: {}", file.string(), std::strerror(errno));
}

}  // namespace parley::train
