// The latent explorer: maps of codes with two units; at any place of a map, the decoder draws its image, here and now.
// The box holds in `data-facts`, in JSON, what utils/explorer.json does. Without this script it shows a picture.
(() => {
  const numbers = (text, kind) => new kind(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer);

  // Layers as they are stored → typed arrays. A kernel's column j is its bytes times scale[j].
  const unpack = (layers) => layers.map((layer) => ({
    activation: layer.activation,
    kernel: numbers(layer.kernel, Int8Array),
    scale: numbers(layer.scale, Float32Array),
    bias: numbers(layer.bias, Float32Array),
  }));

  const activations = {
    linear: (x) => x,
    sigmoid: (x) => 1 / (1 + Math.exp(-x)),
    silu: (x) => x / (1 + Math.exp(-x)),
  };

  // A code → the pixels of its image, in [0, 1].
  const decode = (layers, code) => layers.reduce((input, { kernel, scale, bias, activation }) => {
    const width = bias.length, output = new Float64Array(width), bend = activations[activation];
    for (let i = 0; i < input.length; i++) {
      for (let j = 0; j < width; j++) output[j] += input[i] * kernel[i * width + j];
    }
    return output.map((sum, j) => bend(sum * scale[j] + bias[j]));
  }, code);

  if (typeof module !== "undefined" && typeof document === "undefined") {
    module.exports = { unpack, decode };
    return;
  }

  const SIDE = 300, STEP = 1 / 60, KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const make = (parent, tag, style = {}, facts = {}) => {
    const part = parent.appendChild(document.createElement(tag));
    Object.assign(part.style, style);
    return Object.assign(part, facts);
  };

  // One network: its map on the left, on the right the image that its decoder draws of the place.
  const panel = (box, network, facts) => {
    const layers = unpack(network.layers), { codes } = network;
    const [low, high] = [network.low, network.high];
    const frame = make(box, "section", { flex: "1 1 300px", maxWidth: "460px", minWidth: "0" });
    make(frame, "div", { fontWeight: "600", margin: "0 0 4px" }, { textContent: network.name });
    const row = make(frame, "div", { display: "flex", gap: "10px", alignItems: "flex-start" });
    const map = make(row, "canvas", {
      width: "66%", aspectRatio: "1", touchAction: "none", cursor: "crosshair", background: "#fff", border: "1px solid #767676",
    }, { width: 2 * SIDE, height: 2 * SIDE, tabIndex: 0 });
    const side = make(row, "div", { width: "31%" });
    const image = make(side, "canvas", {
      width: "100%", imageRendering: "pixelated", background: "#000", display: "block",
    }, { width: 28, height: 28 });
    const words = make(side, "p", { font: "13px sans-serif", margin: "6px 0 0", color: "inherit" });
    map.setAttribute("role", "application");
    map.setAttribute("aria-label", `Map of the ${network.name}'s codes. The arrow keys move the point, with Shift far.`);
    image.setAttribute("role", "img");
    words.setAttribute("aria-live", "polite");

    const background = document.createElement("canvas");
    background.width = background.height = 2 * SIDE;
    const pen = background.getContext("2d");
    const at = ([x, y]) => [(x - low[0]) / (high[0] - low[0]) * 2 * SIDE, (high[1] - y) / (high[1] - low[1]) * 2 * SIDE];
    codes.forEach((code, k) => {
      const [x, y] = at(code);
      pen.fillStyle = facts.colours[facts.labels[k]];
      pen.font = "bold 17px sans-serif";
      pen.fillText(facts.classes[facts.labels[k]], x - 5, y + 6);
    });

    let place;
    const show = (code) => {
      place = code.map((value, k) => Math.min(Math.max(value, low[k]), high[k]));
      const brush = map.getContext("2d"), [x, y] = at(place);
      brush.clearRect(0, 0, 2 * SIDE, 2 * SIDE);
      brush.drawImage(background, 0, 0);
      for (const [width, colour] of [[9, "#fff"], [4, "#000"]]) {
        brush.lineWidth = width;
        brush.strokeStyle = colour;
        brush.beginPath();
        brush.arc(x, y, 15, 0, 7);
        brush.stroke();
      }
      const pixels = decode(layers, place), picture = new ImageData(28, 28);
      for (let k = 0; k < 784; k++) picture.data.set([0, 0, 0].fill(Math.round(255 * pixels[k])).concat(255), 4 * k);
      image.getContext("2d").putImageData(picture, 0, 0);
      const far = codes.map((other) => Math.hypot(...[0, 1].map((k) => (other[k] - place[k]) / (high[k] - low[k]))));
      const nearest = far.indexOf(Math.min(...far)), name = facts.classes[facts.labels[nearest]];
      const where = place.map((value) => value.toFixed(2)).join(", ");
      const hole = far[nearest] > 0.05;
      words.textContent = `z = (${where}). ${hole ? "A hole: no test image near; the nearest is a" : "Nearest test image: a"} ${name}.`;
      image.setAttribute("aria-label", `What the ${network.name} draws at (${where})`);
    };
    const follow = (event) => {
      const { left, top, width, height } = map.getBoundingClientRect();
      const across = [(event.clientX - left) / width, 1 - (event.clientY - top) / height];
      show(across.map((share, k) => low[k] + share * (high[k] - low[k])));
    };
    map.addEventListener("pointerdown", (event) => {
      map.setPointerCapture(event.pointerId);
      follow(event);
    });
    map.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse" || map.hasPointerCapture(event.pointerId)) follow(event);
    });
    map.addEventListener("keydown", (event) => {
      const arrow = KEYS[event.key];
      if (!arrow) return;
      event.preventDefault();
      event.stopPropagation(); // Jupyter's own shortcuts
      const far = event.shiftKey ? 6 * STEP : STEP;
      show(place.map((value, k) => value + far * arrow[k] * (high[k] - low[k])));
    });
    show(codes[0]);
  };

  for (const box of document.querySelectorAll('[data-interactive="explorer"]:not([data-ready])')) {
    const facts = JSON.parse(box.dataset.facts);
    box.dataset.ready = "yes";
    box.querySelector("img").remove();
    Object.assign(box.style, { display: "flex", flexWrap: "wrap", gap: "16px", width: "auto" });
    for (const network of facts.networks) panel(box, network, facts);
  }
})();
