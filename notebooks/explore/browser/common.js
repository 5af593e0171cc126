// What all widgets share. Each is this file followed by its own, as one module.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with attributes and children. A function among the attributes listens; null leaves an attribute out.
 * JupyterLab's own shortcuts stay away from a control: an arrow key would leave a slider for the next cell.
 */
function make(tag, attributes = {}, ...children) {
  const element = ["svg", "path", "line", "text", "g"].includes(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== false) element.setAttribute(name, value);
  }
  if (["input", "select", "button"].includes(tag)) element.dataset.lmSuppressShortcuts = "true";
  element.append(...children);
  return element;
}

/** Draw now, and again after these traits change: once a picture of the screen, however many messages came. */
function redraw(model, traits, draw) {
  let waiting = false;
  const listener = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  };
  for (const trait of traits) model.on(`change:${trait}`, listener);
  draw();
  return () => { for (const trait of traits) model.off(`change:${trait}`, listener); };
}

function set(model, values) {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  model.save_changes();
}

/** Paint an image of 32 x 32 pixels, `channels` bytes each, from `bytes` at the image's place. */
function paint(canvas, bytes, place = 0, channels = 3) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(32, 32);
  const start = place * 1024 * channels;
  for (let pixel = 0; pixel < 1024; pixel++) {
    for (let c = 0; c < 4; c++) image.data[4 * pixel + c] = c < channels ? bytes[start + channels * pixel + c] : 255;
  }
  context.putImageData(image, 0, 0);
}

const bytesOf = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const canvas = (label) => make("canvas", { width: 32, height: 32, ...(label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" }) });
const percent = (share) => (100 * share).toFixed(1) + " %";

