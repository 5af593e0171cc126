// A form: each number has a slider and a field, each choice a menu. Native controls, with labels.

function control(model, field, id) {
  const value = () => model.get("values")[field.name];
  const change = (to) => set(model, { values: { ...model.get("values"), [field.name]: to } });
  const problem = make("p", { class: "explore-problem", id: `${id}-problem` });
  let inputs, update;

  if (field.stops.length) {
    const nearest = () => {
      const distance = field.stops.map((stop) => Math.abs(Math.log((+stop + 1e-6) / (Math.max(+value(), 0) + 1e-6))));
      return distance.indexOf(Math.min(...distance));
    };
    const slider = make("input", { type: "range", min: 0, max: field.stops.length - 1, "aria-label": `${field.label}, slider` });
    const text = make("input", { type: "text", id, inputmode: "decimal", autocomplete: "off", spellcheck: "false", "aria-describedby": problem.id });
    slider.addEventListener("input", () => change(field.stops[slider.value]));
    text.addEventListener("input", () => change(text.value));
    inputs = [slider, text];
    update = () => {
      const place = nearest();
      if (field.stops[slider.value] !== value() && place >= 0) slider.value = place;
      slider.setAttribute("aria-valuetext", value());
      slider.style.setProperty("--share", slider.value / slider.max);
      if (text.value !== value()) text.value = value();
    };
  } else if (field.options.length) {
    const options = field.options.map(([key, name]) => make("option", { value: key }, name));
    const menu = make("select", { id }, ...options);
    menu.addEventListener("change", () => change(menu.value));
    inputs = [menu];
    update = () => { menu.value = value(); };
  } else {
    const box = make("input", { type: "checkbox", id });
    box.addEventListener("change", () => change(box.checked));
    inputs = [box];
    update = () => { box.checked = value(); };
  }

  const row = make("div", { class: `explore-field explore-${inputs[0].type ?? "select"}` }, make("label", { for: id }, field.label), ...inputs, problem);
  return {
    row,
    update() {
      update();
      const message = model.get("problems")[field.name] ?? "";
      problem.textContent = message;
      problem.hidden = !message;
      inputs.at(-1).setAttribute("aria-invalid", message ? "true" : "false");
    },
  };
}

export default {
  render({ model, el }) {
    const id = `explore-${Math.random().toString(36).slice(2)}`;
    const controls = model.get("fields").map((field) => control(model, field, `${id}-${field.name}`));
    el.append(make("form", { class: "explore-form", "aria-label": "Setting", submit: (event) => event.preventDefault() }, ...controls.map((one) => one.row)));
    const update = () => controls.forEach((one) => one.update());
    for (const trait of ["values", "problems"]) model.on(`change:${trait}`, update);
    update();
    return () => { for (const trait of ["values", "problems"]) model.off(`change:${trait}`, update); };
  },
};
