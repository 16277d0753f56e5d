"use strict";
/* The measurement: from decisions to how many labels are wrong, in words, in numbers and as a curve. */

const FEWEST_DECISIONS = 10;
/* With fewer, an estimate would jump with each decision: until then the page counts them. */
const FEWEST_UNDOUBTED = 3;
/* With fewer decided labels that no model doubts, how many of these are wrong is taken from the prior. */
const ROWS_OF_THE_TABLE = 10;

const between = (low, high) => (low === high ? low : `${low} to ${high}`);
const wholes = ({ low, high }) => between(count(Math.round(low)), count(Math.round(high)));
const shares = ({ low, high }) => {
  const [first, last] = [low, high].map((share) => Math.round(100 * share));
  return first === last ? perCent(high) : `${first} to ${last}\u00a0%`;
};
const inHundred = ({ low, high }) => between(count(Math.round(100 * low)), count(Math.round(100 * high)));
const decisionsOf = (n) => `${count(n)} ${n === 1 ? "decision" : "decisions"}`;
const labelsOf = (n) => `${count(n)} ${n === 1 ? "label" : "labels"}`;

const originals = new Map();
/** Show other content in an element, if the page has it; without any, what it had at first. */
function replaceIn(id, nodes = null) {
  if (!byId(id)) return;
  if (!originals.has(id)) originals.set(id, [...byId(id).childNodes]);
  byId(id).replaceChildren(...(nodes ?? originals.get(id)));
}

class Measuring {
  constructor(decisions, labels) {
    Object.assign(this, content.measurement, { decisions, labels });
    this.byId = byExample(labels);
    this.stretches = this.stretches.map(([lastRank, pairs]) => {
      const sizes = this.centres.map(() => 0);
      for (const [bin, n] of pairs) sizes[bin] = n;
      return { lastRank, sizes };
    });
    this.nScored = this.stretches.at(-1).lastRank;
    this.fewest = Math.max(FEWEST_DECISIONS, this.n_decided);
    this.sizes = [...document.querySelectorAll("#measure-form [name=size]")];
    for (const input of this.sizes) if (input.value === kept.get("measure-size")) input.checked = true;
    addEventListener("resize", () => this.changed());
  }

  /** Return the labels to decide, in their order. */
  get sample() {
    const size = this.sizes.find((input) => input.checked)?.value ?? this.to_decide.length;
    return this.to_decide.slice(0, Number(size)).map((id) => this.byId.get(id));
  }

  keepSize() {
    kept.set("measure-size", String(this.sample.length));
  }

  /** Show what the decisions say, as soon as the browser has shown the decision itself. */
  changed() {
    const [n, all] = [this.decisions.nOf(this.sample), this.sample.length];
    const left = labelsOf(all - n);
    const text = n === 0 ? `decide ${left}` : n < all ? `${left} left` : `all ${count(all)} are decided`;
    for (const button of document.querySelectorAll(".to-measure")) button.textContent = `Measure: ${text}`;
    this.timer ??= setTimeout(() => this.show(), 0);
  }

  show() {
    clearTimeout(this.timer);
    this.timer = null;
    const decided = this.decided();
    const nCorrected = this.decisions.nCorrected();
    const isEnough = decided.length >= this.fewest && decided.some(({ isWrong }) => !isWrong);
    const found = isEnough && !nCorrected ? this.measure(decided) : null;
    replaceIn("measure-state", found && this.words(found));
    const waits = nCorrected
      ? `Of labels decided to be wrong, ${count(nCorrected)} ${nCorrected === 1 ? "has" : "have"} been corrected since or ` +
        "cannot be seen on this page: nothing is measured then. Corrected labels are measured by new decisions alone."
      : decided.length < this.fewest
        ? `${count(decided.length)} of ${decisionsOf(this.fewest)}: with fewer, a count would jump.`
        : "No label was decided to be right: how many are wrong cannot be estimated from wrong ones alone.";
    byId("measure-wait").textContent = found || !(decided.length || nCorrected) ? "" : waits;
    byId("estimate").textContent = found ? `${wholes(found.nWrong)} labels are wrong` : "";
    this.showHeadline(found);
    byId("measured").hidden = !found;
    byId("curve").hidden = !found;
    if (!found) return;
    byId("measured").replaceChildren(...this.tilesOf(found));
    this.showCurve(found);
  }

  /** Go to what the measurement found, and return it in words. */
  goToResult() {
    this.show();
    byId("measure-section").scrollIntoView({ behavior: "instant" });
    byId("measure").focus({ preventScroll: true });
    return byId("measure-state").textContent;
  }

  /** Return the labels whose decision says whether they are wrong, from the review as well. */
  decided() {
    return this.labels.flatMap((label) => {
      const record = this.decisions.of(label);
      if (SAYS_WRONG[record?.decision] === undefined) return [];
      const isWrong = SAYS_WRONG[record.decision] && record.new_label !== label.given_label;
      const [logOdds, bin] = this.error_odds[label.example_id];
      return [{ rank: label.rank, logOdds, bin, isWrong }];
    });
  }

  /** Return what decisions say: ranges, for all labels and for the first of the ranking up to each of some ranks. */
  measure(decided) {
    const key = JSON.stringify(decided);
    if (key === this.measured?.key) return this.measured;
    const sizes = this.centres.map((_, bin) => sumOf(this.stretches.map((one) => one.sizes[bin])));
    const posterior = new ReviewPosterior(this.constants, this.centres, { sizes, decided });
    let first = 1;
    const wrong = this.stretches.map((stretch) => {
      const inside = decided.filter(({ rank }) => first <= rank && rank <= stretch.lastRank);
      first = stretch.lastRank + 1;
      return posterior.count({ sizes: stretch.sizes, decided: inside });
    });
    const none = posterior.count({ sizes: [], decided: [] });
    const upTo = running(wrong, none);
    const after = running(wrong.slice(1).reverse(), none).reverse();
    const points = this.stretches.map(({ lastRank }, at) => ({
      rank: lastRank,
      precision: posterior.share(upTo[at], lastRank),
      found: posterior.found(upTo[at], after[at] ?? none),
    }));
    this.measured = {
      key,
      nDecided: decided.length,
      nWrong: posterior.nWrong(),
      points,
      list: points.find(({ rank }) => rank === this.n_flagged),
      nWorthALook: this.is_ranked_by_log_odds ? posterior.nWorthALook() : null,
      nListedRescored: this.is_ranked_by_log_odds ? posterior.nListedRescored() : null,
      toHalve: posterior.decisionsToHalve(),
      seesAll: posterior.nUndoubted() >= FEWEST_UNDOUBTED || decided.length === this.nScored,
    };
    return this.measured;
  }

  words({ nDecided, nWrong, nListedRescored, toHalve, seesAll }) {
    const condition = seesAll ? "" : ", if the models doubt all wrong labels";
    const elsewhere = this.decisions.list().length - this.decisions.nOf(this.labels);
    const lines = [
      element("strong", {}, `${wholes(nWrong)} of ${count(this.nScored)} labels are wrong`),
      ` (95\u00a0% interval from ${decisionsOf(nDecided)}${condition}), most likely about ${count(Math.round(nWrong.estimate))}. `,
    ];
    if (nListedRescored !== null) {
      lines.push(`Re-scored, ${labelsOf(nListedRescored)} would be on the list (${count(this.n_flagged)} now). `);
    }
    const more = `${count(toHalve)} more ${toHalve === 1 ? "decision" : "decisions"}`;
    if (toHalve) lines.push(`About ${more} would halve the interval.`);
    const isComplete = this.decisions.nOf(this.sample) === this.sample.length;
    if (isComplete) lines.push(" ", element("a", { href: "#next" }, "What to do with the decisions"));
    if (elsewhere) lines.push(` Not in it: ${decisionsOf(elsewhere)} about labels that this page does not show.`);
    return lines;
  }

  showHeadline(found) {
    replaceIn("lead-basis", found && [`Measured by ${decisionsOf(found.nDecided)}, with 95\u00a0% confidence`]);
    replaceIn("lead-list", found?.list && [`${shares(found.list.precision)} of them are wrong`]);
    replaceIn("wrong-range", found && [wholes(found.nWrong)]);
    replaceIn("wrong-how", found && []);
    replaceIn("tile-share", found && [shares(this.ofScored(found.nWrong))]);
    replaceIn("tile-basis", found && [`measured by ${decisionsOf(found.nDecided)}`]);
  }

  ofScored({ low, high }) {
    return { low: low / this.nScored, high: high / this.nScored };
  }

  tilesOf({ nWrong, list, nWorthALook }) {
    const tile = (term, value, small) =>
      element("div", {}, element("dt", {}, term), element("dd", {}, value), element("dd", { class: "small" }, small));
    const tiles = [tile("wrong labels", wholes(nWrong), `${shares(this.ofScored(nWrong))} of all`)];
    if (list) {
      tiles.push(tile("the list holds", shares(list.found), "of all wrong labels"));
      tiles.push(tile("on the list", inHundred(list.precision), "in 100 labels are wrong"));
    }
    if (nWorthALook !== null) {
      const oneIn = `while at least 1 label in ${count(Math.round(1 / this.constants.worth_a_look))} is wrong`;
      tiles.push(tile("a review pays", nWorthALook ? `to rank ${count(nWorthALook)}` : "nowhere", oneIn));
    }
    return tiles;
  }

  showCurve({ points, list, nWorthALook }) {
    const reach = 1.5 * Math.max(this.n_flagged, nWorthALook);
    const last = points.findIndex(({ rank }) => rank >= reach);
    const shown = points.slice(0, last < 0 ? points.length : last + 1);
    const marks = [];
    if (list) marks.push([this.n_flagged, "the list ends"]);
    if (nWorthALook) marks.push([nWorthALook, "a review pays to here"]);
    drawCurve(byId("curve-drawing"), shown, marks);
    byId("curve-text").textContent = [
      "Down the ranking: the share of the labels so far that is wrong, and the share of all wrong labels among them.",
      list ? `The list ends at rank ${count(this.n_flagged)}.` : "",
      nWorthALook ? `A review pays down to rank ${count(nWorthALook)}.` : "",
    ].join(" ");
    const step = Math.ceil(shown.length / ROWS_OF_THE_TABLE);
    const rows = shown.filter((point, at) => at % step === step - 1 || point === list || at === shown.length - 1);
    byId("curve-table").replaceChildren(...tableOf(rows));
  }
}

/** Return the counts of wrong labels of parts, each with those of all parts before it; ``none`` is that of no part. */
function running(parts, none) {
  let sum = none;
  return parts.map((one) => {
    sum = {
      counts: one.counts.map((value, draw) => sum.counts[draw] + value),
      deviations: one.deviations.map((value, draw) => Math.hypot(sum.deviations[draw], value)),
      wrongForSure: sum.wrongForSure + one.wrongForSure,
      rightForSure: sum.rightForSure + one.rightForSure,
    };
    return sum;
  });
}

function tableOf(points) {
  const cells = (tag, texts, attributes) => texts.map((text) => element(tag, { class: "number", ...attributes }, text));
  const rows = points.map(({ rank, precision, found }) =>
    element("tr", {}, ...cells("td", [count(rank), shares(precision), shares(found)])),
  );
  const titles = ["to rank", "wrong", "found"];
  return [
    element("thead", {}, element("tr", {}, ...cells("th", titles, { scope: "col" }))),
    element("tbody", {}, ...rows),
  ];
}
