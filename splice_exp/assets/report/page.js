// Tables that sort, with columns and intervals to show or hide; figures that open in full size; a search over the cards.
"use strict";

// The number that a cell begins with; cells without one come last. "leopard2.jpg" is none.
function numberOf(text) {
  const found = text.replace(/,(?=\d{3})/g, "").match(/^[≤≥<>[(]?\s*([-+−]?\d+(\.\d+)?(e[-+]?\d+)?)/i);
  return found ? parseFloat(found[1].replace("−", "-")) : null;
}

// The keys of a row stay in sight beside each other, as long as they leave half of the width to what scrolls.
function pinKeys(table) {
  const keys = table.querySelectorAll("tbody tr:first-child td.key").length;
  const cells = [...table.rows[0].cells].slice(0, keys);
  const starts = cells.map((cell) => cell.offsetLeft);
  const fits = keys > 1 && starts[keys - 1] + cells[keys - 1].offsetWidth < table.parentElement.clientWidth / 2;
  for (const row of table.rows) {
    for (let place = 1; place < keys; place += 1) {
      row.cells[place].classList.toggle("pinned", fits);
      row.cells[place].style.left = fits ? `${starts[place]}px` : "";
    }
  }
}

function compare(a, b, descending) {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x === null && y === null) return (descending ? -1 : 1) * a.localeCompare(b);
  if (x === null || y === null) return x === null ? 1 : -1;
  return descending ? y - x : x - y;
}

function sortBy(table, heading, column) {
  const descending = heading.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const text = (row) => row.cells[column].textContent.trim();
  const rows = [...table.tBodies[0].rows].sort((a, b) => compare(text(a), text(b), descending));
  table.tBodies[0].append(...rows);
}

function checkbox(label, checked, onChange) {
  const line = document.createElement("label");
  const box = Object.assign(document.createElement("input"), { type: "checkbox", checked });
  box.addEventListener("change", () => onChange(box.checked));
  line.append(box, " ", label);
  return line;
}

function choices(table) {
  const details = document.createElement("details");
  details.className = "choices";
  const summary = document.createElement("summary");
  summary.textContent = "Columns and intervals";
  details.append(summary);
  if (table.querySelector(".ci")) {
    details.append(checkbox("95 % intervals", true, (on) => table.classList.toggle("plain-numbers", !on)));
  }
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    details.append(checkbox(heading.textContent, true, (on) => {
      for (const row of table.rows) row.cells[column].hidden = !on;
    }));
  });
  return details;
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    heading.tabIndex = 0;
    heading.title = "sort";
    heading.addEventListener("click", () => sortBy(table, heading, column));
    heading.addEventListener("keydown", (event) => { if (event.key === "Enter") sortBy(table, heading, column); });
  });
  if (table.classList.contains("main")) {
    const shown = choices(table);
    table.parentElement.before(shown);
    pinKeys(table);
    shown.addEventListener("change", () => pinKeys(table));
    window.addEventListener("resize", () => pinKeys(table));
  }
}

for (const image of document.querySelectorAll("figure img")) {
  const dialog = document.createElement("dialog");
  const large = Object.assign(document.createElement("img"), { src: image.src, alt: image.alt });
  dialog.append(large);
  dialog.addEventListener("click", () => dialog.close());
  image.after(dialog);
  image.tabIndex = 0;
  image.title = "enlarge";
  image.addEventListener("click", () => dialog.showModal());
  image.addEventListener("keydown", (event) => { if (event.key === "Enter") dialog.showModal(); });
}

const search = document.querySelector("input[type=search]");
if (search) {
  search.hidden = false;
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const group of document.querySelectorAll("section.group")) {
      const cards = [...group.querySelectorAll(".card")];
      for (const card of cards) card.hidden = !words.every((word) => card.textContent.toLowerCase().includes(word));
      group.hidden = cards.every((card) => card.hidden);
    }
  });
}
