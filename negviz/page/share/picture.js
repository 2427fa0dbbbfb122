/* What is seen of a panel as a picture, with lines below that say what it is of.

   negviz.picture(element, lines)   a canvas, twice as dense as the page
   negviz.sheet(element, lines)     what a picture of a panel is drawn on, once its own pictures are there: its size,
                                    its ground, and the lines below

   The panel's HTML, the page's own style sheets and pictures of its pictures make an SVG, which the browser draws:
   nothing is fetched from anywhere else, and nothing leaves the page. */
"use strict";
(() => {
  const [EDGE, LINE, DENSE] = [16, 22, 2]; // pixels, and pixels a pixel
  const PATIENCE = 60_000; // milliseconds for pictures that are on their way
  const SIDE = 352; // pixels: larger pictures a browser decodes later than it draws what they are in
  const FACE = "system-ui, sans-serif";
  const XHTML = "http://www.w3.org/1999/xhtml";
  const fonts = new Map(); // by address, promises

  async function fetched(address) {
    const blob = await (await fetch(address)).blob();
    return new Promise(done => {
      const reader = new FileReader();
      reader.onload = () => done(reader.result);
      reader.readAsDataURL(blob);
    });
  }

  function dataAddress({ href }) {
    if (!fonts.has(href)) fonts.set(href, fetched(href));
    return fonts.get(href);
  }

  /* Every rule that the page has by now, since plots bring theirs late, its own fonts within. */
  async function rules() {
    const all = [...document.styleSheets].flatMap(sheet => { try { return [...sheet.cssRules]; } catch { return []; } });
    const texts = all.map(async rule => {
      if (!(rule instanceof CSSFontFaceRule)) return rule.cssText;
      const address = rule.cssText.match(/url\("([^"]*page\/font\/[^"]+)"\)/)?.[1];
      const within = address && new URL(address, rule.parentStyleSheet.href ?? document.baseURI);
      return within ? rule.cssText.replace(address, await dataAddress(within)) : "";
    });
    return (await Promise.all(texts)).join("\n");
  }

  /* Pictures that are still on their way, or were not in sight yet, would come out black. */
  function pictured(element) {
    const all = [...element.querySelectorAll("img")].filter(image => image.checkVisibility());
    for (const image of all) image.loading = "eager";
    const late = new Promise(done => setTimeout(done, PATIENCE));
    return Promise.race([Promise.allSettled(all.map(image => image.decode())), late]);
  }

  function drawn(image) {
    const canvas = document.createElement("canvas");
    const [width, height] = negviz.pixels(image);
    const scale = Math.min(1, SIDE / Math.max(width, height, 1));
    [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
    if (!canvas.width) return "";
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL("image/jpeg", 0.92);
  }

  /* A copy of what is seen, within its ancestors' names so that the same rules hold for it. */
  function copied(element, width) {
    const copy = element.cloneNode(true);
    const twins = [...copy.querySelectorAll("*")];
    for (const [at, one] of [...element.querySelectorAll("*")].entries()) {
      const twin = twins[at];
      if (one.tagName === "IMG" || one.tagName === "CANVAS") {
        const image = document.createElementNS(XHTML, "img");
        for (const { name, value } of twin.attributes) if (!["src", "loading", "decoding"].includes(name)) image.setAttribute(name, value);
        image.setAttribute("decoding", "sync");
        image.setAttribute("src", drawn(one));
        twin.replaceWith(image);
      } else if (one.tagName === "INPUT") {
        twin.setAttribute("value", one.value);
        if (one.checked) twin.setAttribute("checked", "");
      }
      if (one.tagName === "SELECT") twin.options[one.selectedIndex]?.setAttribute("selected", "");
      if (one.tagName === "OPTION") continue; // of a list that is closed none is visible
      if (!one.checkVisibility() || one.matches(".nv-panel-share, .nv-of, .modebar-container")) twin.remove();
    }
    copy.style.cssText += `;width:${width}px;margin:0;display:${getComputedStyle(element).display}`;
    let around = copy;
    for (let parent = element.parentElement; parent; parent = parent.parentElement) {
      const name = parent === document.documentElement ? "div" : parent.tagName;
      const shell = document.createElementNS(XHTML, name.toLowerCase());
      for (const { name: key, value } of parent.attributes) if (key !== "style") shell.setAttribute(key, value);
      shell.style.display = "contents";
      shell.append(around);
      around = shell;
    }
    return around;
  }

  negviz.sheet = async (element, lines) => {
    await pictured(element);
    const { width, top } = element.getBoundingClientRect();
    const height = (element.querySelector(".nv-panel-share")?.getBoundingClientRect() ?? { top: top + element.offsetHeight }).top - top;
    const ruler = document.createElement("canvas").getContext("2d");
    const said = lines.flatMap(line => negviz.wrapped(ruler, line, `14px ${FACE}`, width, 4));
    const [wide, high] = [width + 2 * EDGE, height + 3 * EDGE + LINE * said.length].map(Math.ceil);
    const theme = getComputedStyle(document.body);
    return {
      width, height, wide, high, edge: EDGE,
      ground(pen) {
        pen.fillStyle = theme.getPropertyValue("--nv-ground") || "#fff";
        pen.fillRect(0, 0, wide, high);
      },
      says(pen) {
        pen.fillStyle = theme.getPropertyValue("--nv-muted") || "#525C63";
        said.forEach(([text, font], row) => { pen.font = font; pen.fillText(text, EDGE, height + 2 * EDGE + LINE * (row + 0.7)); });
      },
    };
  };

  negviz.picture = async (element, lines) => {
    const sheet = await negviz.sheet(element, lines);
    const body = new XMLSerializer().serializeToString(copied(element, sheet.width));
    const style = document.createElementNS(XHTML, "style");
    style.textContent = `${await rules()} * { transition: none !important; animation: none !important; }`;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${innerWidth}" height="${Math.ceil(sheet.height)}">` +
      `<foreignObject width="100%" height="100%">${new XMLSerializer().serializeToString(style)}${body}</foreignObject></svg>`;
    const image = await negviz.loaded(`data:image/svg+xml;charset=utf-8,${encodeURIComponent(negviz.plainXml(svg))}`);
    const canvas = document.createElement("canvas");
    const pen = canvas.getContext("2d");
    [canvas.width, canvas.height] = [DENSE * sheet.wide, DENSE * sheet.high];
    pen.scale(DENSE, DENSE);
    sheet.ground(pen);
    pen.drawImage(image, sheet.edge, sheet.edge);
    sheet.says(pen);
    return canvas;
  };
})();
