"use strict";
/* The measurement: from decisions to how many labels are wrong, in words, in numbers and as a curve. */

const FEWEST_DECISIONS = 10;
/* With fewer, an estimate would jump with each decision: until then the page counts them. */
const ROWS_OF_THE_TABLE = 10;

const between = (low, high) => (low === high ? low : `${low} to ${high}`);
const wholes = ({ low, high }) => between(count(Math.round(low)), count(Math.round(high)));
const shares = ({ low, high }) => {
  const [first, last] = [low, high].map((share) => Math.round(100 * share));
  return first === last ? perCent(high) : `${first} to ${last}\u00a0%`;
};
const inHundred = ({ low, high }) => between(count(Math.round(100 * low)), count(Math.round(100 * high)));
const ofAll = ({ low, high }, n) => ({ low: low / n, high: high / n });
const decisionsOf = (n) => `${count(n)} ${n === 1 ? "decision" : "decisions"}`;
const decisionsBehind = ({ nDecided, nBefore }) =>
  decisionsOf(nDecided) + (nBefore ? ` and ${count(nBefore)} before the correction` : "");
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
    this.cells = this.cells.map(([stratum, isListed, n]) => ({ stratum, isListed, n }));
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
    const [nDrawn, nWrong] = ["isDrawn", "isWrong"].map((name) => decided.filter((one) => one[name]).length);
    const isEnough = nDrawn >= this.fewest && nWrong < decided.length;
    const found = isEnough && !nCorrected ? this.measure(decided) : null;
    replaceIn("measure-state", found && this.words(found));
    const waits = nCorrected
      ? `Of labels decided to be wrong, ${count(nCorrected)} ${nCorrected === 1 ? "has" : "have"} been corrected since or ` +
        "cannot be seen on this page: nothing is measured then. Corrected labels are measured by new decisions alone."
      : `${count(nWrong)} of ${decisionsOf(decided.length)} say "wrong". ` +
        (nDrawn < this.fewest
          ? `How many of all labels are, the first ${count(this.fewest)} of the measurement say (${count(nDrawn)} decided).`
          : "How many of all labels are, cannot be said from wrong ones alone.");
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

  /** Return the labels whose decision says whether they are wrong, from the review as well.
   *
   * As far as the sample was followed they were drawn; behind the first label without a decision they were chosen. */
  decided() {
    const end = this.to_decide.findIndex((id) => !this.decisions.of(this.byId.get(id)));
    const followed = new Set(end < 0 ? this.to_decide : this.to_decide.slice(0, end));
    return this.labels.flatMap((label) => {
      const record = this.decisions.of(label);
      if (SAYS_WRONG[record?.decision] === undefined) return [];
      const isWrong = SAYS_WRONG[record.decision] && record.new_label !== label.given_label;
      const [logOdds, bin] = this.error_odds[label.example_id];
      const [stratum, isListed] = [this.strata[label.example_id], label.rank <= this.n_flagged];
      return [{ rank: label.rank, logOdds, bin, isWrong, stratum, isListed, isDrawn: followed.has(label.example_id) }];
    });
  }

  /** Return what decisions say: intervals by the drawn ones, and estimates down the ranking by all. */
  measure(decided) {
    const key = JSON.stringify(decided);
    if (key === this.measured?.key) return this.measured;
    const sizes = this.centres.map((_, bin) => sumOf(this.stretches.map((one) => one.sizes[bin])));
    const posterior = new ReviewPosterior(this.constants, this.centres, { sizes, decided }, this.number_by_agreement);
    const interval = new Interval(this.constants, this.cells, decided);
    const isListed = (one) => one.isListed;
    let [first, upTo] = [1, 0];
    const nExpected = posterior.expected({ sizes, decided });
    const points = this.stretches.map(({ lastRank, sizes: inside }) => {
      const among = decided.filter(({ rank }) => first <= rank && rank <= lastRank);
      first = lastRank + 1;
      upTo += posterior.expected({ sizes: inside, decided: among });
      return { rank: lastRank, precision: upTo / lastRank, found: nExpected ? upTo / nExpected : 1 };
    });
    const [nWrong, nBefore] = this.withBefore(interval.nWrong());
    this.measured = {
      key,
      nDecided: decided.filter(({ isDrawn }) => isDrawn).length,
      nBefore,
      nWrong: { ...nWrong, estimate: Math.min(Math.max(nExpected, nWrong.low), nWrong.high) },
      points,
      list: this.n_flagged && !this.is_rescored
        ? { precision: ofAll(interval.nWrong(isListed), this.n_flagged), found: interval.share(isListed) }
        : null,
      nWorthALook: this.is_ranked_by_log_odds ? posterior.nWorthALook() : null,
      nListedRescored: this.is_ranked_by_log_odds ? posterior.nListedRescored() : null,
    };
    this.measured.toHalve = Math.min(3 * this.measured.nDecided, this.nScored - decided.length);
    return this.measured;
  }

  /** Return an interval within the one that was measured before the labels were corrected, and by how many decisions
   * that was: none where there is no such interval, or where the new one contradicts it. */
  withBefore({ low, high }) {
    const [least, most, nBefore] = this.before ?? [0, Infinity, 0];
    const both = { low: Math.max(low, least), high: Math.min(high, most) };
    return both.low <= both.high ? [both, nBefore] : [{ low, high }, 0];
  }

  words(found) {
    const { nWrong, nListedRescored, toHalve } = found;
    const elsewhere = this.decisions.list().length - this.decisions.nOf(this.labels);
    const lines = [
      element("strong", {}, `${wholes(nWrong)} of ${count(this.nScored)} labels are wrong`),
      ` (95\u00a0% interval from ${decisionsBehind(found)}), most likely about ${count(Math.round(nWrong.estimate))}. `,
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
    replaceIn("lead-basis", found && [`Measured by ${decisionsBehind(found)}, with 95\u00a0% confidence`]);
    replaceIn("lead-list", found?.list && [`: ${shares(found.list.precision)} of them are wrong`]);
    replaceIn("wrong-range", found && [wholes(found.nWrong)]);
    replaceIn("wrong-how", found && []);
    replaceIn("tile-share", found && [shares(ofAll(found.nWrong, this.nScored))]);
    replaceIn("tile-basis", found && [`measured by ${decisionsBehind(found)}`]);
  }

  tilesOf({ nWrong, list, nWorthALook }) {
    const tile = (term, value, small) =>
      element("div", {}, element("dt", {}, term), element("dd", {}, value), element("dd", { class: "small" }, small));
    const tiles = [tile("wrong labels", wholes(nWrong), `${shares(ofAll(nWrong, this.nScored))} of all`)];
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
    if (this.n_flagged) marks.push([this.n_flagged, "the list ends"]);
    if (nWorthALook) marks.push([nWorthALook, "a review pays to here"]);
    drawCurve(byId("curve-drawing"), shown, marks);
    byId("curve-text").textContent = [
      "Down the ranking, as the models order it: about which share of the labels so far is wrong, and which share of all wrong labels is among them.",
      this.n_flagged ? `The list ends at rank ${count(this.n_flagged)}.` : "",
      nWorthALook ? `A review pays down to rank ${count(nWorthALook)}.` : "",
    ].join(" ");
    const step = Math.ceil(shown.length / ROWS_OF_THE_TABLE);
    const rows = shown.filter((point, at) => at % step === step - 1 || point.rank === this.n_flagged || at === shown.length - 1);
    byId("curve-table").replaceChildren(...tableOf(rows));
  }
}

function tableOf(points) {
  const cells = (tag, texts, attributes) => texts.map((text) => element(tag, { class: "number", ...attributes }, text));
  const rows = points.map(({ rank, precision, found }) =>
    element("tr", {}, ...cells("td", [count(rank), perCent(precision), perCent(found)])),
  );
  const titles = ["to rank", "wrong", "found"];
  return [
    element("thead", {}, element("tr", {}, ...cells("th", titles, { scope: "col" }))),
    element("tbody", {}, ...rows),
  ];
}
