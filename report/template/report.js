"use strict";
// What the page can do beyond being read. It is complete without this script, and the script loads and stores nothing.

const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// Make an element with its attributes and content; `svg` is the name space of the parts of a drawing.
const svg = "http://www.w3.org/2000/svg";
function create(tag, attributes = {}, content = [], space = "http://www.w3.org/1999/xhtml") {
  const element = document.createElementNS(space, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...content);
  return element;
}

// --- The contents are open beside the text in a wide window, and folded above it in a narrow one ----------------------

const wide = matchMedia("(min-width: 68rem)"), contents = document.querySelector("nav details");
const fold = () => { contents.open = wide.matches; };
wide.addEventListener("change", fold);
fold();

// --- Templates during training: a slider moves the image behind all ten windows ---------------------------------------

function addSlider(film, number) {
  const epochs = JSON.parse(film.dataset.epochs), last = epochs.length - 1, id = `epoch-${number}`;
  const stage = film.querySelector(".stage"), images = all("use", stage), size = 32;
  const slider = create("input", {type: "range", id, min: 0, max: last, step: 1, value: last});
  const now = create("output", {for: id});
  const ticks = create("div", {class: "ticks", "aria-hidden": "true"}, epochs.map(epoch => create("span", {}, [epoch])));
  const show = () => {
    const frame = slider.valueAsNumber, epoch = epochs[frame];
    const moment = epoch ? `after epoch ${epoch}` : "before training";
    for (const image of images) image.setAttribute("y", -size * frame);
    [...ticks.children].forEach((tick, i) => tick.classList.toggle("now", i === frame));
    now.value = moment;
    slider.setAttribute("aria-valuetext", moment);
    stage.setAttribute("aria-label", `The ten templates ${moment}.`);
  };
  const label = create("label", {for: id}, ["Templates "]);
  film.append(create("div", {class: "control"}, [create("p", {}, [label, now]), slider, ticks]));
  film.classList.add("live");
  slider.addEventListener("input", show);
  show();
}
all(".film").forEach(addSlider);

// --- Curves show their values: at the pointer, or by the arrow keys ---------------------------------------------------

function addValues(chart) {
  const panels = JSON.parse(chart.dataset.hover), drawing = chart.querySelector("svg");
  const marks = create("g", {class: "marks"}, [], svg), tip = create("div", {class: "tip", "aria-hidden": "true"});
  const spoken = create("p", {class: "unseen", "aria-live": "polite"});
  let current = 0, place = panels[0].steps.length - 1; // the panel and the step along its axis
  drawing.append(marks);
  chart.append(tip, spoken);
  chart.tabIndex = 0;
  chart.setAttribute("role", "group");
  chart.setAttribute("aria-label", "Chart. Arrow keys read out its values: left and right along the axis, up and down between panels.");

  const at = panel => Math.min(place, panel.steps.length - 1);
  const shown = panel => panel.curves.filter(curve => curve.y[at(panel)] != null);
  const number = value => String(+value.toPrecision(4)).length > 6 ? value.toExponential(2) : value.toPrecision(4);

  function mark(panel) {
    const x = panel.x[at(panel)], [, top, , bottom] = panel.box;
    marks.append(create("line", {x1: x, x2: x, y1: top, y2: bottom}, [], svg));
    for (const curve of shown(panel)) {
      marks.append(create("circle", {cx: x, cy: curve.y[at(panel)], r: 2.2, fill: curve.colour}, [], svg));
    }
  }
  function row(curve, i) {
    const key = create("i", {class: curve.dashed ? "dashed" : ""});
    key.style.borderColor = curve.colour;
    return create("tr", {}, [create("td", {}, [key, curve.name]), create("td", {}, [number(curve.values[i])])]);
  }
  // Put the tooltip beside its panel, on the side with room for it; if neither has, below the drawing.
  function put({box: [left, top, right]}) {
    const frame = chart.getBoundingClientRect(), to = drawing.getScreenCTM(), width = tip.offsetWidth;
    const [from, until] = [left - 28, right + 4].map(x => new DOMPoint(x, top).matrixTransform(to).x - frame.left);
    const fits = until + width <= frame.width ? until : from - width;
    const y = fits < 0 ? frame.height + 4 : new DOMPoint(left, top).matrixTransform(to).y - frame.top;
    tip.style.left = `${fits < 0 ? Math.max(0, Math.min(frame.width - width, from)) : fits}px`;
    tip.style.top = `${y}px`;
  }
  function show(aloud) {
    const panel = panels[current], i = at(panel), head = `${panel.title}, ${panel.axis} ${panel.steps[i]}`;
    marks.replaceChildren();
    panels.filter(other => `${other.steps}` === `${panel.steps}`).forEach(mark);
    tip.replaceChildren(create("b", {}, [head]), create("table", {}, shown(panel).map(curve => row(curve, i))));
    chart.classList.add("open");
    put(panel);
    if (aloud) spoken.textContent = `${head}: ${shown(panel).map(({name, values}) => `${name} ${number(values[i])}`).join("; ")}`;
  }
  const hide = () => { marks.replaceChildren(); chart.classList.remove("open"); };

  const nearest = (values, distance) => values.reduce((best, value, i) => distance(value) < distance(values[best]) ? i : best, 0);
  function point(event) {
    const {x} = new DOMPoint(event.clientX, event.clientY).matrixTransform(drawing.getScreenCTM().inverse());
    current = nearest(panels, ({box: [left, , right]}) => Math.max(left - x, x - right, 0));
    place = nearest(panels[current].x, step => Math.abs(step - x));
    show(false);
  }
  const moves = {
    ArrowLeft: () => { place = Math.max(0, at(panels[current]) - 1); },
    ArrowRight: () => { place = Math.min(panels[current].steps.length - 1, place + 1); },
    ArrowUp: () => { current = Math.max(0, current - 1); },
    ArrowDown: () => { current = Math.min(panels.length - 1, current + 1); },
    Home: () => { place = 0; },
    End: () => { place = panels[current].steps.length - 1; },
  };
  function key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
    show(true);
  }
  for (const type of ["pointermove", "pointerdown"]) drawing.addEventListener(type, point);
  chart.addEventListener("pointerleave", hide);
  chart.addEventListener("keydown", key);
  chart.addEventListener("focus", () => { if (chart.matches(":focus-visible")) show(true); });
  chart.addEventListener("blur", hide);
}
all(".chart").forEach(addValues);

// --- Figures can be enlarged: the figure itself moves into the dialog, and back ---------------------------------------

const dialog = create("dialog", {class: "large", "aria-label": "Figure, enlarged"});
const close = create("button", {type: "button", class: "close"}, ["Close"]);
dialog.append(close);
document.body.append(dialog);

function enlarge(figure, button) {
  const gap = create("div");
  gap.style.height = `${figure.offsetHeight}px`;
  figure.replaceWith(gap);
  dialog.append(figure);
  dialog.showModal();
  dialog.addEventListener("close", () => {
    gap.replaceWith(figure);
    button.focus({preventScroll: true});
  }, {once: true});
}
for (const figure of all("figure.figure")) {
  const name = figure.querySelector(".label").textContent.replace(".", "");
  const button = create("button", {type: "button", class: "enlarge", "aria-label": `Enlarge ${name}`}, ["Enlarge"]);
  figure.querySelector("figcaption").append(" ", button);
  button.addEventListener("click", () => enlarge(figure, button));
}
close.addEventListener("click", () => dialog.close());
dialog.addEventListener("click", event => {
  if (event.target === dialog || event.target.closest("a[href^='#']")) dialog.close();
});
addEventListener("beforeprint", () => {
  dialog.close();
  dialog.dispatchEvent(new Event("close")); // the dialog sends it too late for printing
});

// --- Wide content can be scrolled by the keyboard ---------------------------------------------------------------------

function reach(box) {
  const scrolls = box.scrollWidth > box.clientWidth, label = box.closest("figure")?.querySelector(".label")?.textContent;
  const attributes = {tabindex: 0, role: "region", "aria-label": label ?? "Wide content"};
  for (const [name, value] of Object.entries(attributes)) scrolls ? box.setAttribute(name, value) : box.removeAttribute(name);
}
const sizes = new ResizeObserver(changes => changes.forEach(change => reach(change.target)));
for (const box of all(".scroll, .equation, pre")) sizes.observe(box);

// --- The main table can be sorted: numbers from the largest, settings as in the report, "–" always last ---------------

function makeSortable(table) {
  const body = table.tBodies[0], rows = [...body.rows], heads = all("thead th", table);
  const value = (row, column) => column ? parseFloat(row.cells[column].textContent) : rows.indexOf(row);
  function sort(column) {
    const down = heads[column].ariaSort === "none" ? column > 0 : heads[column].ariaSort === "ascending";
    heads.forEach((head, i) => head.setAttribute("aria-sort", i !== column ? "none" : down ? "descending" : "ascending"));
    const order = (a, b) => isNaN(a) - isNaN(b) || (down ? b - a : a - b);
    body.append(...rows.toSorted((a, b) => order(value(a, column), value(b, column))));
  }
  heads.forEach((head, column) => {
    const button = create("button", {type: "button"}, [...head.childNodes]);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => sort(column));
  });
}
all("#tab-main table").forEach(makeSortable);
