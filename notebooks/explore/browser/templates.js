// The weights of each class as an image.

export default {
  render({ model, el }) {
    const pictures = model.get("classes").map((name) => canvas(`The weights of the class ${name}, as an image`));
    const figures = pictures.map((picture, k) => make("figure", {}, picture, make("figcaption", {}, model.get("classes")[k])));
    const root = make("div", { class: "explore-templates", "data-frames": 0 }, ...figures);
    el.append(root);
    let frames = 0;
    return redraw(model, ["pixels"], () => {
      const bytes = bytesOf(model.get("pixels"));
      if (bytes.length) pictures.forEach((picture, k) => paint(picture, bytes, k));
      root.dataset.frames = frames++;
    });
  },
};
