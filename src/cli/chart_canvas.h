// What all pictures are drawn with: cairo, and the files it writes.
#pragma once

#include <cairo.h>

#include <functional>
#include <string>

#include "base/files.h"

namespace parley::cli {

struct Color {
  double r, g, b;
  int terminal;  // of the 256-colour palette
};
// The colour of a number; they repeat.
const Color& chart_color(int number);

class Canvas {
 public:
  explicit Canvas(cairo_t* cr);
  void gray(double level, double alpha = 1);
  void color(const Color& color, double alpha = 1);
  // `align`: 0 begins at x, 1 ends there, 0.5 is centred.
  void text(double x, double y, const std::string& text, double size, double align);
  double text_width(const std::string& text, double size);
  void segment(double x0, double y0, double x1, double y1, double width);
  void box(double x, double y, double width, double height);  // filled
  void dot(double x, double y, double radius);                // filled
  cairo_t* raw() { return cr_; }

 private:
  cairo_t* cr_;
};

// Draws on white ground and writes the picture; its kind follows the extension: .svg or .png (at
// twice the size, for screens with many pixels). UsageError for another extension, Error when the
// file cannot be written.
void draw_picture(const base::fs::path& file, double width, double height,
                  const std::function<void(Canvas&)>& draw);

}  // namespace parley::cli
