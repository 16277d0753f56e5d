"use strict";
/* The page around the review: light and dark, bars, tables that sort, buttons that copy. */

const content = JSON.parse(document.getElementById("content").textContent);
const byId = (id) => document.getElementById(id);

/** Return a new element; its children are nodes, or strings that stay text. */
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== ""));
  return node;
}

/** The storage of the browser; null and silence if it has none, as for some pages opened from disk. */
const kept = {
  get(key) {
    try {
      return localStorage.getItem(`labelscan:${key}`);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(`labelscan:${key}`, value);
      return true;
    } catch {
      return false;
    }
  },
  remove(key) {
    try {
      localStorage.removeItem(`labelscan:${key}`);
    } catch {
      // nothing is kept, so there is nothing to remove
    }
  },
  keysFrom(start) {
    try {
      const keys = Object.keys(localStorage).filter((key) => key.startsWith(`labelscan:${start}`));
      return keys.map((key) => key.slice("labelscan:".length));
    } catch {
      return [];
    }
  },
};

const collator = new Intl.Collator(undefined, { numeric: true });
const count = (number) => number.toLocaleString("en-US");

function perCent(share) {
  if (share === null) return "–";
  if (share > 0 && share < 0.01) return "<\u00a01\u00a0%";
  if (share > 0.99 && share < 1) return ">\u00a099\u00a0%";
  return `${Math.round(100 * share)}\u00a0%`;
}

function fillBars(root) {
  for (const bar of root.querySelectorAll("[data-share]")) bar.style.setProperty("--share", bar.dataset.share);
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
}

function switchTheme() {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  setTheme(dark ? "light" : "dark");
  kept.set("theme", dark ? "light" : "dark");
}

/** Sort a table by the column of a header button; a second click reverses the order. */
function sortBy(button) {
  const header = button.closest("th");
  const column = [...header.parentNode.children].indexOf(header);
  const isNumber = header.classList.contains("number");
  const descending =
    header.getAttribute("aria-sort") !== (isNumber ? "descending" : "ascending") ? isNumber : !isNumber;
  for (const other of header.parentNode.children) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const body = header.closest("table").tBodies[0];
  const value = (row) => (isNumber ? Number(row.cells[column].dataset.value) : row.cells[column].textContent);
  const rows = [...body.rows].sort((one, other) =>
    isNumber ? value(one) - value(other) : collator.compare(value(one), value(other)),
  );
  body.append(...(descending ? rows.reverse() : rows));
}

async function copy(button) {
  const text = button.dataset.copy;
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = element("textarea", { class: "unseen" });
    area.value = text;
    button.after(area);
    area.select();
    document.execCommand("copy"); // the only way where the page was opened without https
    area.remove();
    button.focus();
  }
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = label), 1200);
}

if (["light", "dark"].includes(kept.get("theme"))) setTheme(kept.get("theme"));
fillBars(document);
byId("theme").addEventListener("click", switchTheme);
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.classList.contains("sort")) sortBy(button);
  if (button?.classList.contains("copy")) copy(button);
});
