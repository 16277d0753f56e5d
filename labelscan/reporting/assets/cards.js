"use strict";
/* One label as a card: what it is, what it could be, why it is flagged, and the buttons to decide.

In a measurement a card gives no hint: no rank, no probability, no detector, no true label, no deviations. */

const STATES = { keep: "given is right", relabel: "relabelled", drop: "dropped", unsure: "unsure" };
const ACTIONS = [
  ["given", "keep", "g", "Given is right"],
  ["suggested", "relabel", "s", "Take suggested"],
  ["other", "relabel", "o", "Other class…"],
  ["drop", "drop", "d", "Drop"],
  ["unsure", "unsure", "u", "Unsure"],
];
const MOST_UNFOLDED = 600; // characters
const MOST_LINES_UNFOLDED = 10;
const MOST_UNBROKEN = 14; // characters
const typical = new Map(Object.entries(content.typical));

function pairNodes(suspect, between = " looks like ") {
  return [
    element("bdi", { class: "given" }, suspect.given_label),
    element("span", { class: "arrow", "aria-hidden": "true" }, "→"),
    element("span", { class: "unseen" }, between),
    element("bdi", { class: "suggested" }, suspect.suggested_label),
  ];
}

/** Return the card of a label, to which ``showDecision`` adds the decision; ``place`` is that in a measurement. */
function cardOf(suspect, heading, place = null) {
  const isBlind = place !== null;
  const title = `title-${suspect.rank}`;
  const card = element(
    "article",
    { class: "card", tabindex: "-1", "aria-labelledby": title },
    isBlind ? blindHeaderOf(suspect, heading, title, place) : headerOf(suspect, heading, title),
    element(
      "div",
      { class: content.kind === "images" ? "evidence" : "evidence no-pictures" },
      shownOf(suspect, isBlind),
      element(
        "div",
        { class: "classes" },
        classOf("given", suspect.given_label, isBlind ? null : suspect.self_confidence),
        classOf("suggested", suspect.suggested_label, isBlind ? null : suspect.suggested_confidence),
        isBlind || suspect.true_label === null
          ? ""
          : element("p", { class: "truth" }, "true label: ", element("bdi", {}, suspect.true_label)),
      ),
    ),
    sourceOf(suspect, isBlind ? [] : suspect.flagged_by),
    actions(),
  );
  card.suspect = suspect;
  return card;
}

/** Show a decision in a card: a record, or null. */
function showDecision(card, record) {
  card.dataset.state = record?.decision ?? "";
  const words = record ? [STATES[record.decision]] : [];
  if (record?.new_label) words.push(" as ", element("bdi", {}, record.new_label));
  card.querySelector(".badge").replaceChildren(...words);
  const isSuggested = record?.new_label === card.suspect.suggested_label;
  const taken = record && (record.decision !== "relabel" ? record.decision : isSuggested ? "suggested" : "other");
  for (const button of card.querySelectorAll("[data-do]")) {
    const isTaken = [button.dataset.do, button.dataset.decides].includes(taken);
    button.setAttribute("aria-pressed", String(isTaken));
  }
}

function headerOf(suspect, heading, id) {
  const probability = suspect.error_probability;
  const rank = element("span", { class: "rank" }, count(suspect.rank));
  return element(
    "header",
    {},
    element(heading, { id }, rank, element("span", { class: "unseen" }, ". ", ...pairNodes(suspect))),
    probability === null ? "" : element("span", { class: "probability" }, `${perCent(probability)} likely wrong`),
    element("span", { class: "badge" }),
  );
}

function blindHeaderOf(suspect, heading, id, place) {
  return element(
    "header",
    {},
    element(
      heading,
      { id },
      element("span", { class: "place" }, place),
      element("span", { class: "unseen" }, ". ", ...pairNodes(suspect, " or ")),
    ),
    element("span", { class: "badge" }),
  );
}

function actions() {
  const buttons = ACTIONS.map(([name, decides, key, text]) =>
    element(
      "button",
      { type: "button", "data-do": name, "data-decides": decides, "aria-keyshortcuts": key, "aria-pressed": "false" },
      text,
      element("kbd", { "aria-hidden": "true" }, key),
    ),
  );
  return element("div", { class: "actions", role: "group", "aria-label": "Decision" }, ...buttons);
}

function imageOf(picture, alt) {
  return element("img", {
    src: picture.uri,
    width: picture.width,
    height: picture.height,
    alt,
    class: picture.tiny ? "tiny" : null,
    decoding: "async",
  });
}

/** The example itself: its picture, its text, why there is none, or the values of its row. */
function shownOf(suspect, isBlind) {
  if (suspect.picture)
    return element("div", { class: "picture" }, imageOf(suspect.picture, `Example ${suspect.example_id}`));
  if (suspect.text) return textOf(suspect.text, isBlind);
  if (suspect.features.length || suspect.row.length) {
    return element("div", {}, suspect.features.length ? featuresOf(suspect, isBlind) : "", rowOf(suspect));
  }
  if (!["images", "texts"].includes(content.kind)) return "";
  return element("div", { class: `${content.kind === "texts" ? "" : "picture "}none` }, element("p", {}, suspect.no_picture || "no picture"));
}

/** A text, folded where it is long; in a measurement no word is marked. */
function textOf(text, isBlind) {
  const whole = text.pieces.map(([piece]) => piece).join("");
  const isLong = whole.length > MOST_UNFOLDED || whole.split("\n").length > MOST_LINES_UNFOLDED;
  const all = `Show all ${count(whole.length)} characters`;
  return element(
    "div",
    { class: isLong ? "text folded" : "text" },
    element(
      "p",
      { dir: "auto" },
      ...text.pieces.map(([piece, mark]) => (isBlind || !mark ? piece : element("mark", { class: mark }, piece))),
    ),
    text.n_left_out
      ? element("p", { class: "hint" }, `… and ${count(text.n_left_out)} characters more, too many for this page`)
      : "",
    isLong ? element("button", { type: "button", class: "quiet unfold", "aria-expanded": "false" }, all) : "",
  );
}

function switchFold(button) {
  const isFolded = button.parentNode.classList.toggle("folded");
  button.setAttribute("aria-expanded", String(!isFolded));
  button.dataset.other ??= "Show less";
  [button.textContent, button.dataset.other] = [button.dataset.other, button.textContent];
}

function rowOf(suspect) {
  if (!suspect.row.length) return "";
  const more = suspect.n_more_columns;
  return element(
    "details",
    { class: "row-of-table" },
    element("summary", {}, `All ${count(suspect.row.length + more)} columns`),
    element(
      "dl",
      { class: "facts" },
      ...suspect.row.map(([name, value]) =>
        element("div", {}, element("dt", {}, name), element("dd", { dir: "auto" }, value)),
      ),
    ),
    more ? element("p", { class: "hint" }, `and ${count(more)} columns more, too many for this page`) : "",
  );
}

function featuresOf(suspect, isBlind) {
  const shown = (value) =>
    typeof value === "number" ? value.toLocaleString("en-US", { maximumSignificantDigits: 4 }) : value;
  const cell = (value) => element("td", { class: value.length > MOST_UNBROKEN ? "long" : "number", dir: "auto" }, shown(value));
  const heading = (text, isNumber, kind) =>
    element("th", { scope: "col", class: isNumber ? `number ${kind}` : null }, text);
  return element(
    "table",
    { class: "features" },
    element("caption", { class: "unseen" }, `Values${isBlind ? "" : " that stand out"}, and what is usual`),
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        heading(isBlind ? "feature" : "stands out", false),
        isBlind ? "" : heading("deviations", true, "deviations"),
        heading("here", true, ""),
        heading("usual of given", true, "given"),
        heading("of suggested", true, "suggested"),
      ),
    ),
    element(
      "tbody",
      {},
      ...suspect.features.map((note) =>
        element(
          "tr",
          {},
          element("th", { scope: "row" }, note.name),
          isBlind ? "" : element("td", { class: "number deviations" }, note.deviations.toFixed(1)),
          cell(note.value),
          cell(note.usual),
          cell(note.usual_of_suggested),
        ),
      ),
    ),
  );
}

/** One of the two classes in question: how sure the models are of it, and what it usually looks like. */
function classOf(role, name, confidence) {
  const examples = (typical.get(name) ?? []).slice(0, 2);
  const pictures = examples.filter((one) => one.picture);
  const texts = examples.filter((one) => one.text);
  return element(
    "div",
    { class: `class ${role}` },
    element("p", { class: "role" }, role),
    element("p", { class: "name" }, element("bdi", {}, name)),
    confidence === null
      ? ""
      : element(
          "p",
          { class: "confidence" },
          element("span", { class: "unseen" }, "probability "),
          perCent(confidence),
          element("span", { class: "bar", "data-share": confidence, "aria-hidden": "true" }),
        ),
    pictures.length
      ? element("p", { class: "typical" }, ...pictures.map((one) => imageOf(one.picture, `A typical ${name}`)))
      : "",
    texts.length ? element("p", { class: "role" }, texts.length > 1 ? "typical texts" : "a typical text") : "",
    ...texts.map((one) => element("p", { class: "typical-text", dir: "auto" }, one.text)),
  );
}

function sourceOf(suspect, detectors) {
  const place = suspect.path || suspect.example_id; // an id is shorter, and what decisions and tables say
  return element(
    "div",
    { class: "source" },
    element(
      "p",
      {},
      element("code", { title: place }, element("bdi", {}, suspect.example_id)),
      element(
        "button",
        { type: "button", class: "copy quiet", "data-copy": place, "aria-label": `Copy ${place}` },
        "Copy",
      ),
    ),
    detectors.length ? element("p", {}, `flagged by ${detectors.join(", ")}`) : "",
  );
}
