// A confusion matrix of buttons. Tab reaches one of them, the arrow keys move between them.

export default {
  render({ model, el }) {
    const classes = model.get("classes"), K = classes.length;
    const cells = classes.map((_, row) => classes.map((_, column) => make("button", { type: "button", tabindex: row + column ? -1 : 0, click: () => choose(row, column) })));
    const heads = classes.map((name) => make("th", { scope: "col" }, make("span", {}, name)));
    const table = make("table", { keydown: move }, make("caption", {}),
      make("thead", {}, make("tr", {}, make("td", {}), ...heads)),
      make("tbody", {}, ...cells.map((row, k) => make("tr", {}, make("th", { scope: "row" }, classes[k]), ...row.map((cell) => make("td", {}, cell))))));
    const note = make("p", { class: "explore-note" });
    el.append(make("div", { class: "explore-confusion" }, table, note));

    function choose(row, column) { set(model, { chosen: [row, column] }); }
    function move(event) {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      const row = cells.findIndex((own) => own.includes(event.target));
      if (!step || row < 0) return;
      event.preventDefault();
      event.stopPropagation();
      const column = cells[row].indexOf(event.target);
      const next = cells[Math.min(Math.max(row + step[0], 0), K - 1)][Math.min(Math.max(column + step[1], 0), K - 1)];
      event.target.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    }

    return redraw(model, ["counts", "chosen", "what", "note"], () => {
      const counts = model.get("counts"), [chosenRow, chosenColumn] = model.get("chosen");
      table.caption.textContent = `Confusion of the ${model.get("what")}. Row: the true class; column: the answer`;
      note.textContent = model.get("note");
      cells.forEach((own, row) => {
        const total = counts.length ? Math.max(1, counts[row].reduce((sum, count) => sum + count, 0)) : 1;
        own.forEach((cell, column) => {
          const count = counts.length ? counts[row][column] : 0;
          cell.textContent = counts.length ? count : "";
          cell.disabled = !counts.length;
          cell.style.setProperty("--share", Math.min(count / total, 1).toFixed(3));
          cell.classList.toggle("explore-right", row === column);
          cell.setAttribute("aria-label", row === column ? `${classes[row]}, right: ${count} images` : `${classes[row]} taken for ${classes[column]}: ${count} images`);
          cell.setAttribute("aria-pressed", row === chosenRow && column === chosenColumn);
        });
      });
    });
  },
};
