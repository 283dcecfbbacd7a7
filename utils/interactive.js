// What makes figures answer. A figure is a box whose `data-interactive` names its kind and whose `data-facts` holds
// what the kind needs, in JSON. Without this script the box shows what stands in it: a picture.
(() => {
  const add = (box, style, tag = "div") => {
    const part = box.appendChild(document.createElement(tag));
    Object.assign(part.style, style);
    return part;
  };

  const kinds = {
    // A picture of points: beside the nearest one stand its image and its class. facts: places [x, y, x, y, ...] in
    // thousandths of the picture; labels; classes; sprite, all images in one, row by row; columns, width, height of it.
    "hover-map": (box, facts) => {
      const reach = 24, picture = box.querySelector("img");
      const { columns, width, height } = facts;
      const ring = add(box, {
        position: "absolute", display: "none", width: "12px", height: "12px", margin: "-8px 0 0 -8px",
        border: "2px solid #000", borderRadius: "50%", pointerEvents: "none", boxSizing: "content-box",
      });
      const tip = add(box, {
        position: "absolute", display: "none", padding: "3px", zIndex: 9, pointerEvents: "none",
        background: "#fff", color: "#000", border: "1px solid #666", font: "13px sans-serif", textAlign: "center",
      });
      const image = add(tip, {
        width: width + "px", height: height + "px", imageRendering: "pixelated", margin: "0 auto",
        background: `url(${facts.sprite}) 0 0/${columns * width}px auto`,
      });
      const name = add(tip, {});
      name.setAttribute("aria-live", "polite");
      let pinned = false, current = -1;

      const frame = () => picture.getBoundingClientRect();
      const place = (k, { width: w, height: h }) => [facts.places[2 * k] / 1000 * w, facts.places[2 * k + 1] / 1000 * h];
      // The point of least cost, or -1 where all are infinite.
      const best = (cost) => {
        const size = frame();
        let found = -1, least = Infinity;
        for (let k = 0; k < facts.labels.length; k++) {
          const price = cost(...place(k, size));
          if (price < least) [found, least] = [k, price];
        }
        return found;
      };
      const nearest = (event) => {
        const { left, top } = frame();
        return best((x, y) => {
          const distance = Math.hypot(x + left - event.clientX, y + top - event.clientY);
          return distance < reach ? distance : Infinity;
        });
      };
      const next = (dx, dy) => {
        if (current < 0) return 0;
        const [x0, y0] = place(current, frame());
        const found = best((x, y) => {
          const ahead = dx * (x - x0) + dy * (y - y0), beside = dy * (x - x0) + dx * (y - y0);
          return ahead > 1 ? ahead + 3 * Math.abs(beside) : Infinity;
        });
        return found < 0 ? current : found;
      };
      const show = (k) => {
        current = k;
        ring.style.display = tip.style.display = k < 0 ? "none" : "block";
        if (k < 0) return;
        image.style.backgroundPosition = `${-(k % columns) * width}px ${-Math.floor(k / columns) * height}px`;
        name.textContent = facts.classes[facts.labels[k]];
        const size = frame(), [x, y] = place(k, size);
        ring.style.left = x + "px";
        ring.style.top = y + "px";
        tip.style.left = Math.max(0, x > size.width / 2 ? x - tip.offsetWidth - 14 : x + 14) + "px";
        tip.style.top = Math.max(0, y > size.height / 2 ? y - tip.offsetHeight - 14 : y + 14) + "px";
      };

      box.tabIndex = 0;
      box.addEventListener("pointermove", (event) => {
        if (!pinned) show(nearest(event));
      });
      box.addEventListener("pointerleave", () => {
        if (!pinned) show(-1);
      });
      document.addEventListener("pointerdown", (event) => {
        const found = box.contains(event.target) ? nearest(event) : -1;
        pinned = found >= 0;
        show(found);
      });
      box.addEventListener("keydown", (event) => {
        const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
        if (!arrow && event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation(); // Jupyter's own shortcuts
        pinned = Boolean(arrow);
        show(arrow ? next(...arrow) : -1);
      });
    },
  };

  for (const box of document.querySelectorAll("[data-interactive]:not([data-ready])")) {
    box.dataset.ready = "yes";
    kinds[box.dataset.interactive](box, JSON.parse(box.dataset.facts));
  }
})();
