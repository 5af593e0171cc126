// Loss, cost and accuracy over the epochs: three panels of SVG. Training is a solid line, validation a dashed one.

const W = 260, H = 170, LEFT = 38, BOTTOM = 22, TOP = 8, RIGHT = 8;
const MEASURES = [["loss", "Loss"], ["cost", "Cost"], ["accuracy", "Accuracy (%)"]];

/** Round numbers between low and high, about `count` of them. */
function ticks(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= raw);
  const values = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-9; value += step) values.push(Math.abs(value) < step / 2 ? 0 : value);
  return values;
}

const label = (value) => String(+value.toPrecision(3)).replace("-", "\u2212");

function panel(measure, runs) {
  const factor = measure === "accuracy" ? 100 : 1;
  const values = runs.flatMap((run) => [...run.train[measure], ...run.val[measure]]).filter((value) => value !== null).map((value) => value * factor);
  let low = values.length ? Math.min(...values) : 0, high = values.length ? Math.max(...values) : 1;
  const margin = (high - low) * 0.05 || Math.abs(high) * 0.05 || 0.5;
  low = Math.max(low - margin, 0); high += margin;
  const last = Math.max(2, ...runs.map((run) => (run.n_epochs > 2000 ? run.train[measure].length : run.n_epochs)));
  const x = (epoch) => LEFT + ((epoch - 1) / (last - 1)) * (W - LEFT - RIGHT);
  const y = (value) => H - BOTTOM - ((value - low) / (high - low)) * (H - BOTTOM - TOP);
  const parts = [];
  for (const value of ticks(low, high, 4)) {
    parts.push(make("line", { class: "explore-grid", x1: LEFT, x2: W - RIGHT, y1: y(value), y2: y(value) }));
    parts.push(make("text", { x: LEFT - 6, y: y(value) + 3.5, "text-anchor": "end" }, label(value)));
  }
  const epochs = [1, ...ticks(1, last, 4).filter((epoch) => epoch > 1 && Number.isInteger(epoch))];
  for (const epoch of epochs) parts.push(make("text", { x: x(epoch), y: H - 6, "text-anchor": "middle" }, label(epoch)));
  for (const run of runs) {
    for (const split of ["val", "train"]) {
      let path = "", pen = "M";
      run[split][measure].forEach((value, place) => {
        if (value === null) pen = "M";
        else { path += `${pen}${x(place + 1).toFixed(1)} ${y(value * factor).toFixed(1)}`; pen = "L"; }
      });
      if (run[split][measure].length === 1) path += "h0.01";
      if (path) parts.push(make("path", { d: path, stroke: run.colour, class: `explore-line explore-${split}${run.pale ? " explore-pale" : ""}` }));
    }
  }
  return parts;
}

function summary(name, measure, runs) {
  const run = runs.at(-1), n = run?.train[measure].length;
  if (!n) return `${name} over the epochs: nothing yet`;
  const factor = measure === "accuracy" ? 100 : 1;
  const at = (split) => { const value = run[split][measure][n - 1]; return value === null ? "not a number" : (factor * value).toFixed(measure === "accuracy" ? 1 : 3); };
  return `${name} over the epochs, ${run.title}: after epoch ${n}, training ${at("train")}, validation ${at("val")}`;
}

export default {
  render({ model, el }) {
    const panels = MEASURES.map(([measure, name]) => {
      const svg = make("svg", { viewBox: `0 0 ${W} ${H}`, role: "img" });
      return { measure, name, svg, figure: make("figure", {}, make("figcaption", {}, name), svg) };
    });
    const legend = make("ul", { class: "explore-legend", "aria-label": "Runs" });
    const root = make("div", { class: "explore-curves", "data-frames": 0 }, make("div", { class: "explore-panels" }, ...panels.map((one) => one.figure), legend));
    el.append(root);
    let listed = "", frames = 0;
    return redraw(model, ["now", "earlier"], () => {
      const now = model.get("now"), earlier = model.get("earlier").map((run) => ({ ...run, pale: true }));
      const runs = now.number ? [...earlier, now] : earlier;
      for (const { measure, name, svg } of panels) {
        svg.replaceChildren(...panel(measure, runs));
        svg.setAttribute("aria-label", summary(name, measure, runs));
      }
      const list = JSON.stringify(runs.map((run) => [run.number, run.title, run.pale]));
      if (list !== listed) {
        listed = list;
        const key = (dash) => make("svg", { viewBox: "0 0 26 8", "aria-hidden": "true" }, make("path", { d: "M1 4H25", class: `explore-line explore-${dash}`, stroke: "currentColor" }));
        legend.replaceChildren(
          make("li", {}, key("train"), "training"), make("li", {}, key("val"), "validation"),
          ...runs.map((run) => make("li", { class: run.pale ? "explore-earlier" : "" },
            make("span", { class: "explore-swatch", style: `background: ${run.colour}` }), run.title,
            ...(run.pale ? [make("button", { type: "button", title: "Remove this run", "aria-label": `Remove the run ${run.title}`, click: () => set(model, { removed: run.number }) }, "×")] : []))),
        );
      }
      root.dataset.frames = frames++;
    });
  },
};
