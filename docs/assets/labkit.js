// A table that is wider than the screen is scrolled with the keyboard, too.
window.addEventListener("load", () => {
  for (const one of document.querySelectorAll(".md-typeset__scrollwrap")) {
    if (one.scrollWidth > one.clientWidth) one.tabIndex = 0;
  }
});
