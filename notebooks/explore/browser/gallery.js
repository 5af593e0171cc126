// The images behind a cell of the confusion matrix, each a button.

export default {
  render({ model, el }) {
    const title = make("p", { role: "status" });
    const list = make("div", { class: "explore-images" });
    el.append(make("div", { class: "explore-gallery" }, title, list));
    return redraw(model, ["title", "pixels", "numbers", "captions", "picked"], () => {
      title.textContent = model.get("title");
      const bytes = bytesOf(model.get("pixels")), captions = model.get("captions"), numbers = model.get("numbers");
      if (bytes.length !== 3072 * numbers.length) return; // the other half is on its way
      list.replaceChildren(...numbers.map((number, place) => {
        const picture = canvas();
        paint(picture, bytes, place);
        return make("button", { type: "button", "aria-pressed": number === model.get("picked"), "aria-label": `Image ${number}, ${captions[place]}`, title: `Why? Image ${number}`, click: () => set(model, { picked: number }) }, picture, make("span", { "aria-hidden": "true" }, captions[place]));
      }));
    });
  },
};
