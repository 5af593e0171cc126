// One image, its ten scores as bars, and what each pixel adds to the score of one class.

const signed = (value) => (value < 0 ? "\u2212" : "+") + Math.abs(value).toFixed(2);

export default {
  render({ model, el }) {
    const id = `explore-${Math.random().toString(36).slice(2)}`;
    const classes = model.get("classes"), picture = canvas("The image"), parts = canvas("What each pixel adds");
    const number = make("input", { type: "text", inputmode: "numeric", id, autocomplete: "off", "aria-describedby": `${id}-problem` });
    const problem = make("p", { class: "explore-problem", id: `${id}-problem`, hidden: "" });
    const label = make("label", { for: id });
    const another = make("button", { type: "button", class: "explore-plain", click: () => pick(Math.floor(Math.random() * model.get("size"))) }, "Another");
    const truth = make("figcaption"), sums = make("figcaption", { "aria-live": "polite" });
    const bars = classes.map((name, k) => {
      const bar = make("span", { class: "explore-bar" }), value = make("span", { class: "explore-value" });
      const button = make("button", { type: "button", title: `Explain the score of ${name}`, click: () => set(model, { explained: k }) }, make("span", { class: "explore-name" }, name), make("span", { class: "explore-track" }, bar), value);
      return { button, bar, value };
    });
    const root = make("div", { class: "explore-why" },
      make("div", { class: "explore-pick" }, label, number, another, problem),
      make("div", { class: "explore-three" },
        make("figure", {}, picture, truth),
        make("div", { class: "explore-bars", role: "group", "aria-label": "Scores" }, ...bars.map((one) => one.button)),
        make("figure", {}, parts, sums)));
    el.append(root);

    function pick(n) { number.value = n; check(); }
    function check() {
      const size = model.get("size"), n = Number(number.value);
      const good = /^\d+$/.test(number.value.trim()) && n < size;
      problem.textContent = good ? "" : `must be a whole number from 0 to ${size - 1}`;
      problem.hidden = good;
      number.setAttribute("aria-invalid", good ? "false" : "true");
      if (good) set(model, { number: n, explained: -1 });
    }
    number.addEventListener("input", check);

    const stop = redraw(model, ["shown", "number", "what", "ready", "pixels", "parts"], () => {
      const shown = model.get("shown");
      root.hidden = !model.get("ready");
      if (root.hidden || !shown.scores) return;
      label.textContent = `Which of the ${model.get("what")}`;
      if (number !== number.getRootNode().activeElement) { number.value = model.get("number"); problem.hidden = true; number.setAttribute("aria-invalid", "false"); }
      paint(picture, bytesOf(model.get("pixels")));
      paint(parts, bytesOf(model.get("parts")), 0, 4);
      const said = classes[shown.answer], name = classes[shown.explained];
      truth.textContent = shown.truth === shown.answer ? `${said}, and the network says so` : `${classes[shown.truth]}, taken for ${said}`;
      picture.setAttribute("aria-label", `Image ${model.get("number")}: ${truth.textContent}`);
      const most = Math.max(...shown.scores.map(Math.abs)) || 1;
      bars.forEach(({ button, bar, value }, k) => {
        const score = shown.scores[k];
        bar.style.left = `${50 + (score < 0 ? (50 * score) / most : 0)}%`;
        bar.style.width = `${(50 * Math.abs(score)) / most}%`;
        value.textContent = signed(score);
        button.setAttribute("aria-pressed", k === shown.explained);
        button.setAttribute("aria-label", `${classes[k]}: score ${signed(score)}`);
      });
      sums.textContent = `${name}: ${signed(shown.for)} for (blue), ${signed(shown.against)} against (orange), ${signed(shown.bias)} bias = ${signed(shown.scores[shown.explained])}`;
      parts.setAttribute("aria-label", `What each pixel adds to the score of ${sums.textContent}`);
    });
    return stop;
  },
};
