/* One film on a canvas: windowed by a table over its own pixels, so that 8 bits stay smooth and every
   browser draws the same, then placed by zoom and pan.  Never mirrored, never stretched.

   view {zoom, x, y}                      zoom 1 fits the pane; x, y move the film's centre, in CSS pixels
   look {brightness, contrast, invert}    brightness and contrast from -100 to 100 */
"use strict";
negviz.filmWindow = look => ({ level: 127.5 - 1.275 * look.brightness, width: 255 / 4 ** (look.contrast / 100) });

negviz.FilmPane = class {
  static towards = "#56A9E0"; // blue and orange of attributions, as they show on black
  static away = "#E69F00";
  static pixelsFrom = 4; // times the fit from which on pixels are shown as they are

  constructor(figure) {
    this.figure = figure;
    this.canvas = figure.querySelector("canvas");
    this.film = null;
    this.where = null; // what to outline
    this.windowed = document.createElement("canvas");
    this.look = "";
  }

  show(film) {
    this.film = film;
    this.look = "";
    if (!film) return;
    this.windowed.width = film.width;
    this.windowed.height = film.height;
  }

  get box() { return this.canvas.getBoundingClientRect(); }

  /* How far the film's centre may move so that no edge of it comes further in than it must. */
  reach(view) {
    if (!this.film) return { x: 0, y: 0 };
    const { width, height } = this.box;
    const scale = this.fit(width, height) * view.zoom;
    return {
      x: Math.max(0, (this.film.width * scale - width) / 2),
      y: Math.max(0, (this.film.height * scale - height) / 2),
    };
  }

  fit(width, height) { return Math.min(width / this.film.width, height / this.film.height); }

  paint(view, look) {
    const { width, height } = this.box;
    const dense = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * dense);
    this.canvas.height = Math.round(height * dense);
    const brush = this.canvas.getContext("2d");
    brush.fillStyle = "#000";
    brush.fillRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.film || !width) return;
    this.develop(look);
    const scale = this.fit(width, height) * view.zoom * dense;
    const [wide, high] = [this.film.width * scale, this.film.height * scale];
    brush.imageSmoothingEnabled = view.zoom < negviz.FilmPane.pixelsFrom;
    brush.imageSmoothingQuality = "high";
    const left = (this.canvas.width - wide) / 2 + view.x * dense;
    const top = (this.canvas.height - high) / 2 + view.y * dense;
    brush.drawImage(this.windowed, left, top, wide, high);
    if (this.where) negviz.FilmPane.outline(brush, this.where, { left, top, wide, high, dense });
  }

  /* What moved a score, over the film: lines as they come from a server, in shares of its width and height, on a
     dark line each so that they show on bright film; an unsigned map is its cells in one hue. */
  static outline(brush, where, { left, top, wide, high, dense }) {
    const { cells } = where;
    brush.save();
    if (cells) {
      const [rows, columns] = [cells.length, cells[0].length];
      brush.fillStyle = negviz.FilmPane.towards;
      cells.forEach((row, y) => row.forEach((share, x) => {
        brush.globalAlpha = share / 2;
        brush.fillRect(left + (x / columns) * wide, top + (y / rows) * high, wide / columns, high / rows);
      }));
    }
    for (const [way, colour, dashes] of cells ? [] : [["away", negviz.FilmPane.away, [6, 4]], ["towards", negviz.FilmPane.towards, []]]) {
      for (const level of [...where[way].keys()].reverse()) { // the strongest on top
        brush.beginPath();
        for (const [x1, y1, x2, y2] of where[way][level]) {
          brush.moveTo(left + x1 * wide, top + y1 * high);
          brush.lineTo(left + x2 * wide, top + y2 * high);
        }
        for (const [stroke, width, dash] of [["#000a", 6, []], [colour, level ? 1.5 : 3.5, dashes]]) {
          Object.assign(brush, { strokeStyle: stroke, lineWidth: width * dense });
          brush.setLineDash(dash.map(part => part * dense));
          brush.stroke();
        }
      }
    }
    brush.restore();
  }

  /* Put the film through the window, once a look. */
  develop(look) {
    const wanted = JSON.stringify(look);
    if (this.look === wanted) return;
    this.look = wanted;
    const brush = this.windowed.getContext("2d", { willReadFrequently: true });
    brush.drawImage(this.film, 0, 0);
    const table = negviz.FilmPane.table(look);
    const pixels = brush.getImageData(0, 0, this.windowed.width, this.windowed.height);
    const words = new Uint32Array(pixels.data.buffer);
    for (let at = 0; at < words.length; at++) words[at] = table[words[at] & 255];
    brush.putImageData(pixels, 0, 0);
  }

  /* What becomes of each of the 256 greys, as opaque grey in the canvas's own layout. */
  static table(look) {
    const { level, width } = negviz.filmWindow(look);
    return Uint32Array.from({ length: 256 }, (_, grey) => {
      const seen = Math.min(255, Math.max(0, Math.round(((grey - level) / width) * 255 + 127.5)));
      return (look.invert ? 255 - seen : seen) * 0x010101 + 0xff000000;
    });
  }
};
