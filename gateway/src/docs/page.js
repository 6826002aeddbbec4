"use strict";
// Adds the search; the page reads as well without it.
(() => {
  const field = document.createElement("input");
  field.type = "search";
  field.placeholder = "Search operations, schemas, reasons  ( / )";
  field.setAttribute("aria-label", "Search");
  document.querySelector("header .version").after(field);

  const found = [...document.querySelectorAll("[data-search]")];
  const areas = [...document.querySelectorAll("nav h2, main > .area")];
  const none = document.createElement("p");
  none.className = "none";
  none.textContent = "Nothing is called like that.";
  none.hidden = true;
  document.querySelector("main").prepend(none);

  const search = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const element of found) {
      const matches = words.every((word) => element.dataset.search.includes(word));
      element.hidden = !matches;
      count += matches ? 1 : 0;
    }
    for (const area of areas) {
      const holds = area.querySelector("[data-search]:not([hidden])") !== null;
      const list = area.nextElementSibling;
      const listed = area.tagName === "H2" && list.querySelector("li:not([hidden])") !== null;
      area.hidden = words.length > 0 && !holds && !listed;
    }
    none.hidden = words.length === 0 || count > 0;
  };
  field.addEventListener("input", search);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== field) {
      event.preventDefault();
      field.focus();
    }
    if (event.key === "Escape" && document.activeElement === field) {
      field.value = "";
      search();
    }
  });
  // Before a link leads somewhere, what it leads to must be there.
  window.addEventListener("hashchange", () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const section = target && target.closest("[hidden]");
    if (section) {
      field.value = "";
      search();
      target.scrollIntoView();
    }
  });
})();
