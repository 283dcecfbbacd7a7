// What the theme leaves out for those who use a keyboard or a screen reader.
addEventListener("DOMContentLoaded", () => {
  for (const caption of document.querySelectorAll(".caption[role=heading]")) caption.setAttribute("aria-level", "2");
  for (const fold of document.querySelectorAll("details.hide > summary")) fold.removeAttribute("aria-label"); // its text says more
  const scrolled = () => {
    for (const box of document.querySelectorAll("pre, .cell_output, table.docutils, mjx-container[display=true]")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    }
  };
  addEventListener("resize", scrolled);
  addEventListener("toggle", scrolled, true);
  addEventListener("load", scrolled);
  scrolled();
});
