#include "cli/chart_canvas.h"

#include <cairo-svg.h>
#include <cairo.h>

#include <array>
#include <cmath>
#include <memory>

#include "base/error.h"

namespace parley::cli {
namespace {

// Okabe and Ito's colours, which most colour-blind readers can tell apart; readable on
// light and dark backgrounds.
constexpr std::array<Color, 6> kColors = {{{0.00, 0.45, 0.70, 33},
                                           {0.84, 0.37, 0.00, 208},
                                           {0.00, 0.62, 0.45, 36},
                                           {0.80, 0.47, 0.65, 175},
                                           {0.90, 0.62, 0.00, 214},
                                           {0.34, 0.71, 0.91, 81}}};

using Surface = std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)>;

cairo_status_t append_bytes(void* closure, const unsigned char* data, unsigned int length) {
  static_cast<std::string*>(closure)->append(reinterpret_cast<const char*>(data), length);
  return CAIRO_STATUS_SUCCESS;
}

}  // namespace

const Color& chart_color(int number) {
  return kColors[static_cast<size_t>(number) % kColors.size()];
}

Canvas::Canvas(cairo_t* cr) : cr_(cr) {
  cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
}

void Canvas::gray(double level, double alpha) {
  cairo_set_source_rgba(cr_, level, level, level, alpha);
}

void Canvas::color(const Color& color, double alpha) {
  cairo_set_source_rgba(cr_, color.r, color.g, color.b, alpha);
}

void Canvas::text(double x, double y, const std::string& text, double size, double align) {
  cairo_move_to(cr_, x - align * text_width(text, size), y);
  cairo_show_text(cr_, text.c_str());
}

double Canvas::text_width(const std::string& text, double size) {
  cairo_set_font_size(cr_, size);
  cairo_text_extents_t extents;
  cairo_text_extents(cr_, text.c_str(), &extents);
  return extents.x_advance;
}

void Canvas::segment(double x0, double y0, double x1, double y1, double width) {
  cairo_set_line_width(cr_, width);
  cairo_move_to(cr_, x0, y0);
  cairo_line_to(cr_, x1, y1);
  cairo_stroke(cr_);
}

void Canvas::box(double x, double y, double width, double height) {
  cairo_rectangle(cr_, x, y, width, height);
  cairo_fill(cr_);
}

void Canvas::dot(double x, double y, double radius) {
  cairo_arc(cr_, x, y, radius, 0, 2 * M_PI);
  cairo_fill(cr_);
}

void draw_picture(const base::fs::path& file, double width, double height,
                  const std::function<void(Canvas&)>& draw) {
  const bool svg = file.extension() == ".svg", png = file.extension() == ".png";
  if (!svg && !png)
    throw base::UsageError(
        fmt::format("--out {}: the name must end in .svg or .png", file.string()));
  std::string bytes;
  const double scale = png ? 2 : 1;
  Surface surface(
      svg ? cairo_svg_surface_create_for_stream(append_bytes, &bytes, width, height)
          : cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(width * scale),
                                       static_cast<int>(height * scale)),
      cairo_surface_destroy);
  const std::unique_ptr<cairo_t, decltype(&cairo_destroy)> cr(cairo_create(surface.get()),
                                                              cairo_destroy);
  cairo_scale(cr.get(), scale, scale);
  cairo_set_source_rgb(cr.get(), 1, 1, 1);
  cairo_paint(cr.get());
  Canvas canvas(cr.get());
  draw(canvas);
  cairo_status_t status = cairo_status(cr.get());
  if (png && status == CAIRO_STATUS_SUCCESS)
    status = cairo_surface_write_to_png_stream(surface.get(), append_bytes, &bytes);
  if (svg) cairo_surface_finish(surface.get());
  if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_status(surface.get());
  if (status != CAIRO_STATUS_SUCCESS)
    base::fail("{}: cannot draw: {}", file.string(), cairo_status_to_string(status));
  base::write_file(file, bytes);
}

}  // namespace parley::cli
