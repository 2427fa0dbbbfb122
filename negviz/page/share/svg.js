/* A pen for SVG: what a canvas would be drawn with, so that a picture for a paper has its text as text.

   negviz.svgPen(width, height)   font, fillStyle, fillRect, fillText, drawImage and measureText as of a canvas;
                                  add(name, attributes) draws anything else, put(node) what is drawn already,
                                  within(attributes, draw) makes a group of what is drawn meanwhile;
                                  text() is the file, all that it shows within
   negviz.plainXml(text)          without what XML has no place for
   negviz.pixels(picture)         width and height of an image as it was sent, or of a canvas */
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";

  negviz.plainXml = text => text.replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, "");

  negviz.pixels = picture => [picture.naturalWidth ?? picture.width, picture.naturalHeight ?? picture.height];

  negviz.svgPen = (width, height) => {
    const root = document.createElementNS(SVG, "svg");
    const ruler = document.createElement("canvas").getContext("2d");

    let group = root;

    function add(name, attributes) {
      const node = document.createElementNS(SVG, name);
      for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
      return group.appendChild(node);
    }

    for (const [key, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}` })) root.setAttribute(key, value);
    const pen = {
      add,
      put: node => group.append(node),
      within(attributes, draw) {
        const around = group;
        if (Object.keys(attributes).length) group = add("g", attributes);
        draw();
        group = around;
      },
      font: "",
      fillStyle: "",
      fillRect(x, y, wide, high) { add("rect", { x, y, width: wide, height: high, fill: pen.fillStyle }); },
      fillText(text, x, y) {
        const [, weight, size, face] = pen.font.match(/^(?:(\d+) )?(\d+)px (.+)$/);
        const attributes = { x, y, fill: pen.fillStyle, "font-family": face, "font-size": size, "font-weight": weight ?? 400 };
        add("text", attributes).textContent = text;
      },
      drawImage(image, x, y, wide, high) {
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = negviz.pixels(image);
        canvas.getContext("2d").drawImage(image, 0, 0);
        add("image", { x, y, width: wide, height: high, href: canvas.toDataURL("image/jpeg", 0.92) });
      },
      measureText(text) {
        ruler.font = pen.font;
        return ruler.measureText(text);
      },
      text: () => negviz.plainXml(new XMLSerializer().serializeToString(root)),
    };
    return pen;
  };
})();
