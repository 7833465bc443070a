(() => {
"use strict";
const doc = document;
const all = (selector, inside = doc) => [...inside.querySelectorAll(selector)];
const make = (tag, about, ...inside) => {
  const one = Object.assign(doc.createElement(tag), about);
  one.append(...inside);
  return one;
};
const on = doc.addEventListener.bind(doc);
const told = cell => cell.dataset.tip || cell.title || "";
const words = cell => cell.textContent.trim();

// Tables sort by their headings: numbers by value, verdicts by severity, what is missing last.
const SEVERITY = ["fail", "undecided", "none", "pass"];
const NUMBER = /^[^\d−–-]{0,3}(-?\d+\.?\d*(e-?\d+)?)/;
const keyOf = cell => {
  const rank = SEVERITY.findIndex(mark => cell.classList.contains(mark));
  if (rank >= 0 && !cell.classList.contains("n")) return rank;
  if (words(cell) === "–") return null;
  const plain = text => text.replace(/[\u202f\u2009]/g, "").replace(/−/g, "-");
  const found = NUMBER.exec(plain(told(cell))) || NUMBER.exec(plain(words(cell)));
  if (found && cell.matches("td")) return +found[1];
  return words(cell);
};
const compare = (a, b) => [a, b].every(Number.isFinite) ? a - b
  : String(a).localeCompare(String(b), undefined, {numeric: true});
const sortBy = (table, column, up) => {
  const rows = all("tbody tr", table).map(row => [keyOf(row.cells[column]), row]);
  rows.sort(([a], [b]) => a === null || b === null ? (a === null) - (b === null)
    : up ? compare(a, b) : compare(b, a));
  table.tBodies[0].append(...rows.map(([, row]) => row));
};
for (const table of all(".scroll > table:not(.checks)")) {
  const heads = all("thead th", table);
  if (table.tBodies[0].rows.length > 1) heads.forEach((head, column) => {
    if (!words(head)) return;
    const button = make("button", {className: "sort"}, ...head.childNodes);
    button.onclick = () => {
      const up = head.ariaSort !== "ascending";
      heads.forEach(one => { one.ariaSort = null; });
      head.ariaSort = up ? "ascending" : "descending";
      sortBy(table, column, up);
    };
    button.insertBefore(make("span", {className: "arrow", ariaHidden: "true"}), button.childNodes[1] || null);
    head.append(button);
  });

  // Those that say by which columns they are chosen from get a list for each.
  const chosen = (table.dataset.filter?.split(" ") || []).map(Number);
  const rows = all("tbody tr", table);
  const count = make("output", {});
  const lists = chosen.map(column => {
    const values = [...new Set(rows.map(row => words(row.cells[column])))];
    const list = make("select", {}, make("option", {value: ""}, "all"), ...values.sort(compare).map(
      value => make("option", {value}, value)));
    list.onchange = show;
    return [list, column];
  }).filter(([list]) => list.length > 2);
  function show() {
    rows.forEach(row => {
      row.hidden = lists.some(([list, column]) => list.value && list.value !== words(row.cells[column]));
    });
    count.value = `${rows.filter(row => !row.hidden).length} of ${rows.length}`;
  }
  if (lists.length) {
    show();
    table.parentElement.before(make("div", {className: "filters"}, ...lists.map(([list, column]) =>
      make("label", {}, `${heads[column].querySelector("button").firstChild.textContent} `, list)), count));
  }
}

// What an entry is exactly, and what it says beside: on hover, and by the arrow keys.
const tip = make("div", {id: "tip", role: "tooltip", hidden: true});
doc.body.append(tip);
const hide = () => { tip.hidden = true; };
const tell = cell => {
  if (!cell || !told(cell)) return hide();
  cell.dataset.tip = told(cell);
  cell.removeAttribute("title");
  cell.setAttribute("aria-describedby", tip.id);
  tip.textContent = cell.dataset.tip;
  tip.hidden = false;
  const at = cell.getBoundingClientRect();
  const below = at.bottom + tip.offsetHeight + 8 < innerHeight;
  tip.style.left = `${Math.max(4, Math.min(at.left, innerWidth - tip.offsetWidth - 4))}px`;
  tip.style.top = `${below ? at.bottom + 2 : at.top - tip.offsetHeight - 2}px`;
};
const entry = event => event.target.closest("td");
on("pointerover", event => tip.contains(event.target) || tell(entry(event)));
on("focusin", event => tell(entry(event)));
on("scroll", hide, {capture: true, passive: true});
on("keydown", event => {
  if (event.key === "Escape") hide();
  const box = event.target.closest(".scroll");
  const [down, right] = {ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1]}[event.key] || [];
  if (!box || down === undefined || !event.target.matches(".scroll, td")) return;
  const rows = all("tbody tr:not([hidden])", box);
  const row = rows.indexOf(event.target.parentElement);
  const next = row < 0 ? rows[0]?.cells[1]
    : rows[row + down]?.cells[Math.max(1, event.target.cellIndex + right)];
  if (!next) return;
  event.preventDefault();
  next.tabIndex = -1;
  next.focus({preventScroll: true});
  next.scrollIntoView({block: "nearest", inline: "nearest"});
  setTimeout(tell, 50, next);
});

// Figures enlarge.
const large = make("dialog", {className: "large", ariaLabel: "Figure"});
const close = make("button", {}, "Close");
close.onclick = () => large.close();
doc.body.append(large);
for (const figure of all("figure")) {
  if (!figure.querySelector("svg")) continue;
  const title = figure.querySelector("strong").textContent;
  const button = make("button", {className: "enlarge", ariaLabel: `Enlarge ${title}`}, "Enlarge");
  button.onclick = () => {
    const picture = figure.querySelector("svg");
    const place = picture.parentElement;
    large.replaceChildren(close, picture);
    large.onclose = () => place.append(picture);
    large.onclick = event => event.target === large && large.close();
    large.showModal();
  };
  figure.querySelector("figcaption").append(button);
}

// A link leads into what is folded away, and the list of sections says which one is read.
const unfold = () => {
  const aim = location.hash && doc.getElementById(location.hash.slice(1));
  for (let one = aim; one; one = one.parentElement) if (one.tagName === "DETAILS") one.open = true;
};
addEventListener("hashchange", unfold);
unfold();
const links = new Map(all(".contents a").map(link => [link.hash.slice(1), link]));
const seen = new IntersectionObserver(entries => entries.forEach(({target, isIntersecting}) => {
  if (!isIntersecting) return;
  links.forEach((link, id) => { link.ariaCurrent = id === target.id ? "location" : null; });
  const link = links.get(target.id);
  link.closest("ul").scrollLeft = link.offsetLeft - 16;
}), {rootMargin: "-25% 0px -70%"});
links.forEach((_, id) => seen.observe(doc.getElementById(id)));
})();
