"use strict";
/* Labels as cards, page by page, so that thousands are as quick as a few: the suspects, filtered and ordered, or those
of a measurement, as they come. */

const CARDS_A_PAGE = 40;
const ORDERS = {
  rank: ["most likely wrong first", (one, other) => one.rank - other.rank],
  probability: ["error probability", (one, other) => (other.error_probability ?? -1) - (one.error_probability ?? -1)],
  given: ["given label", (one, other) => collator.compare(one.given_label, other.given_label)],
  suggested: ["suggested label", (one, other) => collator.compare(one.suggested_label, other.suggested_label)],
  id: ["id", (one, other) => collator.compare(one.example_id, other.example_id)],
  pair: ["in groups of confused pairs", null],
};
const pairOf = (suspect) => JSON.stringify([suspect.given_label, suspect.suggested_label]);

class Gallery {
  constructor(decisions, { root, form, matches, pages }) {
    Object.assign(this, { decisions, root, form, matches, pages });
    this.all = content.suspects;
    this.isBlind = false;
    this.list = this.all;
    this.current = this.list[0];
    this.cards = new Map();
    const counts = new Map();
    for (const suspect of this.list) counts.set(pairOf(suspect), (counts.get(pairOf(suspect)) ?? 0) + 1);
    ORDERS.pair[1] = (one, other) =>
      counts.get(pairOf(other)) - counts.get(pairOf(one)) || collator.compare(pairOf(one), pairOf(other));
    fillFilters(form, this.list);
  }

  /** Show other labels, from the first that is undecided; those of a measurement are blind. */
  show(labels, { isBlind }) {
    Object.assign(this, { all: labels, isBlind });
    if (!labels.includes(this.current)) this.current = this.firstUndecided(labels[0], labels) ?? labels[0];
    if (!isBlind) return this.filter();
    this.list = labels;
    this.grouped = false;
    this.draw();
  }

  /** Filter and sort; decisions made afterwards hide or show nothing until the next time. */
  filter() {
    const wanted = Object.fromEntries(new FormData(this.form));
    const text = wanted.text.trim().toLocaleLowerCase();
    this.list = this.all.filter((suspect) => {
      const state = this.decisions.of(suspect)?.decision ?? "none";
      const pieces = suspect.text?.pieces.map(([piece]) => piece) ?? [];
      const words = [
        ...[suspect.example_id, suspect.path, suspect.given_label, suspect.suggested_label],
        pieces.join(""),
      ];
      return (
        (wanted.given === "any" || wanted.given === `=${suspect.given_label}`) &&
        (wanted.suggested === "any" || wanted.suggested === `=${suspect.suggested_label}`) &&
        (wanted.detector === "any" || suspect.flagged_by.includes(wanted.detector.slice(1))) &&
        (wanted.state === "any" || wanted.state === `=${state}`) &&
        (!text || words.some((word) => word.toLocaleLowerCase().includes(text)))
      );
    });
    this.list.sort((one, other) => ORDERS[wanted.order][1](one, other) || one.rank - other.rank);
    this.grouped = wanted.order === "pair";
    if (!this.list.includes(this.current)) this.current = this.list[0];
    this.draw();
  }

  /** Draw the page that the current card is on. */
  draw() {
    const index = Math.max(0, this.list.indexOf(this.current));
    this.page = Math.floor(index / CARDS_A_PAGE);
    const shown = this.list.slice(this.page * CARDS_A_PAGE, (this.page + 1) * CARDS_A_PAGE);
    const heading = this.grouped ? "h4" : "h3";
    this.cards = new Map(shown.map((suspect) => [suspect, cardOf(suspect, heading, this.placeOf(suspect))]));
    const nodes = [];
    shown.forEach((suspect, place) => {
      const isNew = place === 0 || pairOf(shown[place - 1]) !== pairOf(suspect);
      if (this.grouped && isNew) nodes.push(element("h3", { class: "group" }, ...pairNodes(suspect)));
      nodes.push(this.cards.get(suspect));
    });
    this.root.replaceChildren(...nodes);
    fillBars(this.root);
    for (const suspect of shown) this.showState(suspect);
    this.showMatches();
    if (this.current) this.mark();
  }

  /** Return where a label is in a measurement, in words; null in a review, where it has a rank. */
  placeOf(suspect) {
    return this.isBlind ? `${count(this.list.indexOf(suspect) + 1)} of ${count(this.list.length)}` : null;
  }

  showMatches() {
    const [n, all] = [this.list.length, this.all.length];
    this.matches.textContent =
      n === 0
        ? "No label on this page matches; issues.csv may have some."
        : n < all
          ? `${count(n)} of ${count(all)} labels`
          : "";
    const nPages = Math.ceil(n / CARDS_A_PAGE);
    this.pages.hidden = nPages < 2;
    byId("page-text").textContent = `${this.page + 1} of ${nPages}`;
    byId("previous-page").disabled = this.page === 0;
    byId("next-page").disabled = this.page >= nPages - 1;
  }

  clearFilters() {
    for (const select of this.form.querySelectorAll("select")) select.selectedIndex = 0;
    this.form.elements.text.value = "";
    this.filter();
  }

  turn(step) {
    this.goTo(this.list[(this.page + step) * CARDS_A_PAGE]);
  }

  /** Make a suspect the current one, and its card the one that keys act on. */
  goTo(suspect) {
    if (!suspect) return;
    if (!this.list.includes(suspect)) this.clearFilters();
    this.current = suspect;
    if (this.cards.has(suspect)) this.mark();
    else this.draw();
    const card = this.cards.get(suspect);
    card.focus({ preventScroll: true });
    card.scrollIntoView({ behavior: "instant", block: card.offsetHeight > 0.7 * innerHeight ? "start" : "center" });
  }

  /** Let keys act on the current card, wherever the focus was. */
  focus() {
    this.currentCard?.focus();
  }

  mark() {
    for (const [suspect, card] of this.cards) {
      card.toggleAttribute("aria-current", suspect === this.current);
      if (suspect === this.current) card.setAttribute("aria-current", "true");
    }
  }

  step(by) {
    this.goTo(this.list[this.list.indexOf(this.current) + by]);
  }

  /** Return the first label of the list from one on that is undecided, from the start again after the last. */
  firstUndecided(from, list = this.list) {
    const start = list.indexOf(from);
    const ahead = [...list.slice(start), ...list.slice(0, start)];
    return ahead.find((suspect) => !this.decisions.of(suspect));
  }

  goToUndecided(from = this.current) {
    const next = this.firstUndecided(from);
    if (next) this.goTo(next);
    return next;
  }

  get currentCard() {
    return this.cards.get(this.current);
  }

  showState(suspect) {
    const card = this.cards.get(suspect);
    if (card) showDecision(card, this.decisions.of(suspect));
  }
}

function fillFilters(form, suspects) {
  const fill = (name, options) =>
    form.elements[name].append(
      element("option", { value: "any" }, "any"),
      ...options.map(([value, text]) => element("option", { value: `=${value}` }, text)),
    );
  const counted = (valuesOf) => {
    const counts = new Map();
    for (const value of suspects.flatMap(valuesOf)) counts.set(value, (counts.get(value) ?? 0) + 1);
    return [...counts]
      .sort((one, other) => collator.compare(one[0], other[0]))
      .map(([value, n]) => [value, `${value} (${count(n)})`]);
  };
  fill("given", counted((suspect) => [suspect.given_label]));
  fill("suggested", counted((suspect) => [suspect.suggested_label]));
  fill("detector", counted((suspect) => suspect.flagged_by));
  fill("state", [["none", "not reviewed"], ...Object.entries(STATES)]);
  for (const [value, [text]] of Object.entries(ORDERS)) form.elements.order.append(element("option", { value }, text));
}
