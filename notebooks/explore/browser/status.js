// What goes on, in a line. The line stays in the page, so that a screen reader notices when its text changes.

export default {
  render({ model, el }) {
    const line = make("p", { role: "status", class: "explore-say" });
    const detail = make("p", { class: "explore-detail" });
    const bar = make("progress", { max: 1, "aria-label": "Epochs done" });
    el.append(make("div", { class: "explore-status" }, line, bar, detail));
    return redraw(model, ["text", "bad", "detail", "done"], () => {
      if (line.textContent !== model.get("text")) line.textContent = model.get("text");
      line.classList.toggle("explore-problem", model.get("bad"));
      line.hidden = false;
      detail.textContent = model.get("detail");
      detail.hidden = !model.get("detail");
      bar.hidden = model.get("done") < 0;
      bar.value = Math.max(model.get("done"), 0);
    });
  },
};
