"use strict";
/* Two shares over the ranking as a drawing, a picture of what the table beside it says. */

const CURVES = ["precision", "found"];
const [LEAST_WIDTH, CURVE_HEIGHT] = [240, 260];
const MARGIN = { left: 50, right: 12, top: 40, bottom: 40 };
/* Pixels. */
const MARK_LINE = 16;
/* Pixels between the words of two marks. */

/** Return a new element of a drawing; its children are nodes or text. */
function drawn(tag, attributes, ...children) {
  const node = document.createElementNS(byId("curve-drawing").namespaceURI, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Draw points, each a ``rank`` with a share by the name of each curve, and ``marks``: ranks with words. */
function drawCurve(svg, points, marks) {
  const width = Math.max(svg.parentNode.clientWidth, LEAST_WIDTH);
  const last = points.at(-1).rank;
  const x = (rank) => MARGIN.left + ((width - MARGIN.left - MARGIN.right) * rank) / last;
  const y = (share) => CURVE_HEIGHT - MARGIN.bottom - (CURVE_HEIGHT - MARGIN.top - MARGIN.bottom) * share;
  const path = (name) => points.map((one) => `${x(one.rank).toFixed(1)},${y(one[name]).toFixed(1)}`).join(" ");
  const curves = CURVES.map((name) => drawn("polyline", { class: `line ${name}`, points: path(name) }));
  svg.setAttribute("width", width);
  svg.setAttribute("height", CURVE_HEIGHT);
  svg.replaceChildren(
    ...[0, 0.5, 1].flatMap((share) => gridLine(y(share), width, perCent(share))),
    tick(x(0), 0, "start"),
    tick(x(last / 2), Math.round(last / 2), "middle"),
    tick(x(last), last, "end"),
    drawn("text", { x: x(last / 2), y: CURVE_HEIGHT - 4, "text-anchor": "middle" }, "rank"),
    ...curves,
    ...marks.flatMap(([rank, words], place) => mark(x(rank), y(0), MARGIN.top - 8 - MARK_LINE * place, words, width)),
  );
}

function gridLine(y, width, text) {
  return [
    drawn("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y, y2: y }),
    drawn("text", { x: MARGIN.left - 6, y: y + 4, "text-anchor": "end" }, text),
  ];
}

function tick(x, rank, anchor) {
  return drawn("text", { x, y: CURVE_HEIGHT - MARGIN.bottom + 18, "text-anchor": anchor }, count(rank));
}

function mark(x, bottom, top, words, width) {
  const isRight = x > width / 2;
  return [
    drawn("line", { class: "mark", x1: x, x2: x, y1: bottom, y2: top - 10 }),
    drawn("text", { x: x + (isRight ? -5 : 5), y: top, "text-anchor": isRight ? "end" : "start" }, words),
  ];
}
