// Runs before the first paint, so that a dark page does not flash white. The app sets the same things later.
(function () {
  var root = document.documentElement;
  try {
    var theme = localStorage.getItem("parley.theme");
    if (theme !== "light" && theme !== "dark") theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    root.dataset.theme = theme;
    var language = localStorage.getItem("parley.language");
    var zh = language === "zh" || (language !== "en" && /^zh/i.test(navigator.language || ""));
    root.lang = zh ? "zh-CN" : "en";
  } catch (e) {
    // Storage may be off; the defaults do.
  }
})();
