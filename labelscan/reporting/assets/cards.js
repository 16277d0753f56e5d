"use strict";
/* One label as a card: what it is, what it could be, why it is doubted, and the buttons to decide.

In a measurement a card says nothing of doubt: no rank, no probability, no detector, no true label, no deviations. */

const STATES = { keep: "given is right", relabel: "relabelled", drop: "dropped", unsure: "unsure" };
const ACTIONS = [
  ["given", "keep", "g", "Given is right"],
  ["suggested", "relabel", "s", "Take suggested"],
  ["other", "relabel", "o", "Other class…"],
  ["drop", "drop", "d", "Drop"],
  ["unsure", "unsure", "u", "Unsure"],
];
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

/** The example itself: its picture, why there is none, or the values that stand out. */
function shownOf(suspect, isBlind) {
  if (suspect.picture)
    return element("div", { class: "picture" }, imageOf(suspect.picture, `Example ${suspect.example_id}`));
  if (suspect.features.length) return featuresOf(suspect, isBlind);
  if (content.kind !== "images") return "";
  return element("div", { class: "picture none" }, element("p", {}, suspect.no_picture || "no picture"));
}

function featuresOf(suspect, isBlind) {
  const number = (value) =>
    element("td", { class: "number" }, value.toLocaleString("en-US", { maximumSignificantDigits: 4 }));
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
          number(note.value),
          number(note.usual),
          number(note.usual_of_suggested),
        ),
      ),
    ),
  );
}

/** One of the two classes in question: how sure the models are of it, and what it usually looks like. */
function classOf(role, name, confidence) {
  const examples = (typical.get(name) ?? []).filter((one) => one.picture);
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
    examples.length
      ? element(
          "p",
          { class: "typical" },
          ...examples.slice(0, 2).map((one) => imageOf(one.picture, `A typical ${name}`)),
        )
      : "",
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
