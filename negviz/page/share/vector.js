/* What is seen of a panel as SVG, with its text as text: for a paper, and for programs that draw on.

   negviz.vector(element, lines)   the file, with lines below that say what it is of

   Boxes, borders, text, pictures and plots are put where the browser has put them.  Text keeps the width that it
   has here, whatever face it is shown in elsewhere. */
"use strict";
(() => {
  const SIDES = ["Top", "Right", "Bottom", "Left"];
  const LEFT_OUT = ".nv-panel-share, .nv-of, .modebar-container, details:not([open]), .label-wrap:not(.open), script, style";
  const OF_PLOTS = ["fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-dasharray", "stroke-linecap",
    "opacity", "vector-effect", "font-family", "font-size", "font-weight", "text-anchor", "dominant-baseline"];

  const dot = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const known = new Map();

  /* A colour in whatever notation as [#rrggbb, opacity]. */
  function plain(colour) {
    if (!known.has(colour)) {
      dot.clearRect(0, 0, 1, 1);
      dot.fillStyle = colour;
      dot.fillRect(0, 0, 1, 1);
      const [red, green, blue, alpha] = dot.getImageData(0, 0, 1, 1).data;
      known.set(colour, [`#${[red, green, blue].map(part => part.toString(16).padStart(2, "0")).join("")}`, alpha / 255]);
    }
    return known.get(colour);
  }

  /* What draws at places of the window on a picture whose corner is that of `element`. */
  function drawerOf(pen, element, edge) {
    const corner = element.getBoundingClientRect();
    const [left, top] = [corner.left - edge, corner.top - edge];

    function box(x, y, width, height, colour, further = {}) {
      const [fill, opacity] = plain(colour);
      if (opacity && width > 0 && height > 0) {
        pen.add("rect", { x: x - left, y: y - top, width, height, fill, ...(opacity < 1 && { "fill-opacity": opacity }), ...further });
      }
    }

    /* Background, a line that a gradient of one colour draws in its middle, borders and outline. */
    function frame(one, style) {
      for (const { left: x, top: y, width, height } of style.display === "inline" ? one.getClientRects() : [one.getBoundingClientRect()]) {
        const round = parseFloat(style.borderTopLeftRadius);
        box(x, y, width, height, style.backgroundColor, round ? { rx: Math.min(round, width / 2, height / 2) } : {});
        const line = style.backgroundImage.match(/^linear-gradient\((.+?\)), \1\)$/);
        const thick = parseFloat(style.backgroundSize);
        if (line) box(x + (width - thick) / 2, y, thick, height, line[1]);
        if (style.outlineStyle === "solid") for (const [dx, dy, w, h] of edges(width, height)) box(x + dx, y + dy, w, h, style.outlineColor);
        if (style.borderTopStyle === "dashed") return stroke(x, y, width, style);
        const [above, right, below, before] = SIDES.map(side => style[`border${side}Style`] === "none" ? 0 : parseFloat(style[`border${side}Width`]));
        box(x, y, width, above, style.borderTopColor);
        box(x, y + height - below, width, below, style.borderBottomColor);
        box(x, y, before, height, style.borderLeftColor);
        box(x + width - right, y, right, height, style.borderRightColor);
      }
    }

    const edges = (width, height) => [[0, 0, width, 1], [0, height - 1, width, 1], [0, 0, 1, height], [width - 1, 0, 1, height]];

    function measured(text, style) {
      pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
      return pen.measureText(text);
    }

    function write(text, { left: x, top: y, width, height }, style, further = {}) {
      const said = text.replace(/\s+/g, " ");
      if (!said.trim()) return;
      const { fontBoundingBoxAscent: ascent, fontBoundingBoxDescent: descent } = measured(said, style);
      const [fill, opacity] = plain(style.color);
      pen.add("text", {
        x: x - left, y: y - top + (height - ascent - descent) / 2 + ascent, fill, "fill-opacity": opacity, "font-family": style.fontFamily,
        "font-size": style.fontSize, "font-weight": style.fontWeight, "font-style": style.fontStyle, textLength: width, lengthAdjust: "spacingAndGlyphs", "xml:space": "preserve", ...further,
      }).textContent = said;
    }

    /* A run of text line by line, as the browser has broken it. */
    function lines(node, style) {
      const range = document.createRange();
      const further = node.parentElement.closest("u, [data-map-search], a") ? { "text-decoration": "underline" } : {};
      range.selectNodeContents(node);
      const whole = [...range.getClientRects()];
      if (whole.length === 1) return write(node.data, whole[0], style, further);
      let line = null;
      const end = () => { if (line) write(line.text, line, style, further); };
      for (let at = 0; whole.length && at < node.length; at += 1) {
        range.setStart(node, at);
        range.setEnd(node, at + 1);
        const rect = range.getClientRects()[0];
        if (!rect?.width) continue; // a blank that a break has taken
        if (line && Math.abs(rect.top - line.top) < rect.height / 2) {
          line.text += node.data[at];
          line.width = rect.right - line.left;
        } else {
          end();
          line = { text: node.data[at], left: rect.left, top: rect.top, width: rect.width, height: rect.height };
        }
      }
      end();
    }

    /* Words and strokes that rules put before and behind what an element holds: quotes, keys of a legend. */
    function around(one, style) {
      const rects = [...one.getClientRects()];
      for (const where of ["::before", "::after"]) {
        const own = getComputedStyle(one, where);
        const said = own.content === "open-quote" ? "“" : own.content === "close-quote" ? "”" : own.content.match(/^"(.+)"$/)?.[1];
        const [first, last] = [rects[0], rects.at(-1)];
        if (!first || own.position === "absolute" || own.content === "none") continue;
        if (said) {
          const { width } = measured(said, style);
          const place = where === "::before" ? first : last;
          write(said, { left: where === "::before" ? first.left : last.right - width, top: place.top, width, height: place.height }, own);
        } else if (own.borderTopStyle !== "none" && parseFloat(own.borderTopWidth)) {
          stroke(first.left, first.top + first.height / 2, parseFloat(own.width), own);
        }
      }
    }

    function stroke(x, y, length, style) {
      const [colour, thick] = [plain(style.borderTopColor)[0], parseFloat(style.borderTopWidth)];
      const dashes = style.borderTopStyle === "dashed" ? { "stroke-dasharray": `${2 * thick} ${thick}` } : {};
      pen.add("line", { x1: x - left, y1: y - top, x2: x - left + length, y2: y - top, stroke: colour, "stroke-width": thick, ...dashes });
    }

    function picture(one) {
      const { left: x, top: y, width, height } = one.getBoundingClientRect();
      const [wide, high] = negviz.pixels(one);
      if (!wide || !width) return;
      const scale = getComputedStyle(one).objectFit === "contain" ? Math.min(width / wide, height / high) : null;
      const [w, h] = scale ? [wide * scale, high * scale] : [width, height];
      pen.drawImage(one, x - left + (width - w) / 2, y - top + (height - h) / 2, w, h);
    }

    /* What rules say of a plot becomes its own.  One that is stretched over a box comes in pixels, since few programs
       but browsers leave strokes as they are where shapes are stretched. */
    function plot(one) {
      const copy = one.cloneNode(true);
      const { left: x, top: y, width, height } = one.getBoundingClientRect();
      const view = one.viewBox.baseVal;
      const parts = [...one.querySelectorAll("*")];
      const stretched = one.hasAttribute("viewBox") && parts.some(each => getComputedStyle(each).vectorEffect === "non-scaling-stroke");
      const twins = [copy, ...copy.querySelectorAll("*")];
      for (const [at, each] of [one, ...parts].entries()) {
        const [style, twin] = [getComputedStyle(each), twins[at]];
        if (style.display === "none" && !each.closest("defs")) twin.setAttribute("display", "none");
        for (const name of OF_PLOTS) {
          const value = style.getPropertyValue(name);
          if (value) twin.setAttribute(name, name === "fill" || name === "stroke" ? paint(value) : value);
        }
        for (const name of ["class", "style", "tabindex", "pointer-events"]) twin.removeAttribute(name);
        if (stretched && each !== one) inPixels(twin, width / view.width, height / view.height);
      }
      if (stretched) copy.removeAttribute("viewBox");
      for (const [name, value] of Object.entries({ x: x - left, y: y - top, width, height, overflow: getComputedStyle(one).overflow })) copy.setAttribute(name, value);
      pen.put(copy);
    }

    function inPixels(shape, across, down) {
      const scaled = (names, by) => names.forEach(name => shape.hasAttribute(name) && shape.setAttribute(name, by * shape.getAttribute(name)));
      scaled(["x", "x1", "x2", "width"], across);
      scaled(["y", "y1", "y2", "height"], down);
      for (const name of ["points", "d"]) {
        let [upright, command] = [false, "M"];
        const drawn = shape.getAttribute(name)?.replace(/([a-z])|(-?[\d.]+(?:e-?\d+)?)/gi, (part, letter) => {
          if (letter) {
            command = letter.toUpperCase();
            upright = command === "V";
            return part;
          }
          const value = part * (upright ? down : across);
          if (command !== "H" && command !== "V") upright = !upright;
          return value;
        });
        if (drawn) shape.setAttribute(name, drawn);
      }
      shape.removeAttribute("vector-effect");
    }

    const paint = value => value === "none" || value.startsWith("url(") ? value : plain(value)[1] ? plain(value)[0] : "none";

    /* What a visitor has chosen or typed. */
    function chosen(one, style) {
      const { left: x, top: y, width, height } = one.getBoundingClientRect();
      const theme = getComputedStyle(document.body);
      const [ink, panel] = ["--nv-ink", "--nv-panel"].map(name => theme.getPropertyValue(name));
      if (one.type === "range") {
        const [at, middle] = [(one.value - one.min) / (one.max - one.min), y + height / 2];
        box(x, middle - 2, width, 4, theme.getPropertyValue("--nv-border"));
        box(x, middle - 2, at * width, 4, ink);
        box(x + at * (width - 16), middle - 8, 16, 16, ink, { rx: 8 });
      } else if (one.type === "checkbox" || one.type === "radio") {
        const round = one.type === "radio" ? width / 2 : 2;
        box(x, y, width, height, ink, { rx: round });
        box(x + 1, y + 1, width - 2, height - 2, panel, { rx: round });
        if (one.checked) box(x + 4, y + 4, width - 8, height - 8, ink, { rx: round });
      } else {
        const said = one.tagName === "SELECT" ? one.selectedOptions[0]?.textContent ?? "" : one.value;
        const wide = Math.min(measured(said, style).width, width);
        const from = style.textAlign === "center" ? (width - wide) / 2 : parseFloat(style.paddingLeft);
        write(said, { left: x + from, top: y, width: wide, height }, style);
      }
    }

    /* `node` and what it holds; what is not seen is left out. */
    function walk(node) {
      if (node.nodeType === Node.TEXT_NODE) return lines(node, getComputedStyle(node.parentElement));
      if (node.nodeType !== Node.ELEMENT_NODE || node.matches(LEFT_OUT)) return;
      const [style, { width, height }] = [getComputedStyle(node), node.getBoundingClientRect()];
      if (style.display !== "contents" && !node.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return;
      if (style.overflow !== "visible" && width <= 1 && height <= 1) return; // for readers of the screen
      if (node instanceof SVGSVGElement) return plot(node);
      pen.within(style.opacity === "1" ? {} : { opacity: style.opacity }, () => {
        if (!node.matches("[type=checkbox], [type=radio], [type=range]")) frame(node, style);
        if (node.tagName === "IMG" || node.tagName === "CANVAS") picture(node);
        else if (node.matches("input, textarea, select")) chosen(node, style);
        else {
          around(node, style);
          node.childNodes.forEach(walk);
        }
      });
    }

    return walk;
  }

  negviz.vector = async (element, lines) => {
    const sheet = await negviz.sheet(element, lines);
    const pen = negviz.svgPen(sheet.wide, sheet.high);
    sheet.ground(pen);
    drawerOf(pen, element, sheet.edge)(element);
    sheet.says(pen);
    return pen.text();
  };
})();
