"use strict";
/* The review and the measurement: keys and buttons become decisions, and decisions a file. */

const MOST_PROBLEMS_SHOWN = 5;
const START_TEXT = byId("start")?.textContent;
const ALL_REVIEWED = content.save_to
  ? "All of these are reviewed and saved in the run."
  : "All of these are reviewed. Save decisions.csv, or change the filter.";
const IN_THE_MOSAIC = 16;
const labels = [...content.suspects, ...content.others];
const decisions = new Decisions(labels);
const gallery = new Gallery(decisions, {
  root: byId("gallery"),
  form: byId("filter-form"),
  matches: byId("matches"),
  pages: byId("pages"),
});
const keeper = new (content.save_to ? ServerKeeper : BrowserKeeper)(decisions, {
  show(text, kind = "") {
    byId("saved").textContent = text;
    byId("saved").className = `saved ${kind}`;
  },
  explain: (text) => showMessage([text]),
  onOthers: showAll,
});
const chooser = new ClassChooser(takeLabel);
const measuring = content.measurement && new Measuring(decisions, labels);
const speak = (text) => (byId("spoken").textContent = text);

function showProgress() {
  const [n, all] = [decisions.nOf(gallery.all), gallery.all.length];
  byId("progress").max = all;
  byId("progress").value = n;
  byId("progress-text").textContent = `${count(n)} of ${count(all)} ${gallery.isBlind ? "decided" : "reviewed"}`;
  byId("undo").disabled = !decisions.canUndo;
  const nReviewed = decisions.nOf(content.suspects);
  const left = content.suspects.length - nReviewed;
  if (byId("start")) byId("start").textContent = nReviewed && left ? `Continue: ${count(left)} left` : START_TEXT;
  measuring?.changed();
}

function showAll() {
  for (const suspect of gallery.cards.keys()) gallery.showState(suspect);
  showProgress();
}

/** Decide about the current label and go on to the next undecided one. */
function decide(decision, newLabel = "") {
  const suspect = gallery.current;
  const isChange = decisions.of(suspect) !== null;
  decisions.decide(suspect, decision, newLabel);
  gallery.showState(suspect);
  const next = gallery.goToUndecided();
  const said = `${STATES[decision]}${newLabel ? ` as ${newLabel}` : ""}. ${byId("progress-text").textContent}.`;
  if (next) {
    showMessage([]);
    return speak(said);
  }
  showMessage([gallery.isBlind ? "All of these are decided." : ALL_REVIEWED]);
  speak(gallery.isBlind && !isChange ? `${said} ${measuring.goToResult()}` : `${said} All of these are reviewed.`);
}

/** Show the labels of the measurement, or the flagged ones. */
function setMode({ isBlind }) {
  gallery.show(isBlind ? measuring.sample : content.suspects, { isBlind });
  byId("review").textContent = isBlind ? "Measure how many labels are wrong" : "Review the flagged labels";
  byId("review-hint").hidden = isBlind;
  byId("filters").hidden = isBlind;
  if (byId("measure-hint")) byId("measure-hint").hidden = !isBlind;
  if (byId("marks-hint")) byId("marks-hint").hidden = isBlind;
  byId("mode-review")?.setAttribute("aria-pressed", String(!isBlind));
  byId("mode-measure")?.setAttribute("aria-pressed", String(isBlind));
  showMessage([]);
  showProgress();
}

/** Go to the card of a label, in the list that has it. */
function goToLabel(label) {
  if (!gallery.all.includes(label)) setMode({ isBlind: !content.suspects.includes(label) });
  gallery.goTo(label);
}

function goToMeasurement() {
  setMode({ isBlind: true });
  byId("review").scrollIntoView({ behavior: "instant" });
  if (!gallery.goToUndecided(gallery.list[0])) gallery.goTo(gallery.current);
}

function takeLabel(label) {
  if (label === gallery.current.given_label) decide("keep");
  else decide("relabel", label);
}

const DOES = {
  given: () => decide("keep"),
  suggested: () => takeLabel(gallery.current.suggested_label),
  other: () => chooser.open(),
  drop: () => decide("drop"),
  unsure: () => decide("unsure"),
  undo() {
    const ids = decisions.undo();
    if (!ids.length) return;
    showAll();
    const label = decisions.shown.get(ids.find((id) => decisions.shown.has(id)));
    if (label) goToLabel(label);
    const said = ids.length === 1 ? "Undone." : `${count(ids.length)} decisions undone.`;
    speak(`${said} ${byId("progress-text").textContent}.`);
  },
  next: () => gallery.step(1),
  previous: () => gallery.step(-1),
  help: () => byId("help-dialog").showModal(),
};
const KEYS = {
  ...{ g: "given", s: "suggested", o: "other", d: "drop", u: "unsure" },
  ...{ 1: "given", 2: "suggested", 3: "other", 4: "drop", 5: "unsure" },
  ...{ z: "undo", Backspace: "undo", j: "next", ArrowRight: "next", k: "previous", ArrowLeft: "previous", "?": "help" },
};

/** Return whether keys are meant for the review: nothing outside it has the focus. */
function isReviewing() {
  const focused = document.activeElement;
  return focused === document.body || byId("reviewbar").contains(focused) || byId("gallery").contains(focused);
}

function isInView(card) {
  const box = card?.getBoundingClientRect();
  return box?.bottom > byId("reviewbar").getBoundingClientRect().bottom && box.top < innerHeight;
}

/** Mark a label that is in view and decide nothing yet: a key must not decide about one that was scrolled away. */
function markOneInView() {
  const seen = [...gallery.cards].filter(([, card]) => isInView(card)).map(([suspect]) => suspect);
  const suspect = seen.find((one) => !decisions.of(one)) ?? seen[0];
  if (!suspect) return;
  gallery.goTo(suspect);
  speak(`Number ${gallery.placeOf(suspect) ?? suspect.rank} is marked now. Press the key again.`);
}

function onKey(event) {
  const does = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (
    !does ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    (event.repeat === true && !["next", "previous"].includes(does))
  )
    return;
  if (document.querySelector("dialog[open]") || event.target.closest("input, select, textarea, summary")) return;
  if (does !== "help" && (!byId("keys-on").checked || !gallery.current || !isReviewing())) return;
  if (!["help", "undo"].includes(does) && !isInView(gallery.currentCard)) {
    markOneInView();
    return;
  }
  event.preventDefault();
  DOES[does]();
}

function showMessage(lines) {
  byId("message").replaceChildren(...lines.map((line) => element("p", {}, line)));
}

function exportFile() {
  const url = URL.createObjectURL(new Blob([csvOf(decisions.list())], { type: "text/csv" }));
  element("a", { href: url, download: content.file_name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  keeper.exported();
  showMessage([`${content.file_name} is among your downloads. Next: ${byId("command").textContent}`]);
  gallery.focus();
}

async function importFile(file) {
  try {
    const { records, problems } = readDecisions(
      new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer()),
    );
    const { taken, older, notShown, corrected, wrong } = decisions.add(records);
    const leftOut = [...problems, ...wrong];
    const lines = leftOut.slice(0, MOST_PROBLEMS_SHOWN).map((one) => `Left out: ${one}.`);
    if (leftOut.length > lines.length) lines.push(`and ${count(leftOut.length - lines.length)} more`);
    if (older) lines.unshift(`Skipped for later decisions made here: ${count(older)}.`);
    if (corrected) lines.unshift(`Kept, though corrected since: ${count(corrected)}.`);
    if (notShown) lines.unshift(`Kept, though not on this page: ${count(notShown)}.`);
    showMessage([`Loaded ${count(taken)} ${taken === 1 ? "decision" : "decisions"} from ${file.name}.`, ...lines]);
  } catch (error) {
    showMessage([`${file.name} cannot be read: ${error instanceof TypeError ? "it is not UTF-8" : error.message}.`]);
  }
  showAll();
  gallery.goToUndecided(gallery.list[0]);
  gallery.focus();
}

function showPair({ given, suggested }) {
  if (gallery.isBlind) setMode({ isBlind: false });
  gallery.clearFilters();
  for (const [name, value] of Object.entries({ given, suggested })) {
    const select = byId("filter-form").elements[name];
    select.value = `=${value}`;
    // This page may show no label of the pair: an option that matches nothing, rather than all labels.
    if (select.selectedIndex < 0) select.append(element("option", { value: `=${value}`, selected: true }, value));
  }
  byId("filters").open = true;
  gallery.filter();
  goToReview();
}

/** Show the review from its start, or where it was left. */
function goToReview() {
  byId("review").scrollIntoView({ behavior: "instant" });
  if (!gallery.current) byId("review").focus({ preventScroll: true });
  else if (isInView(gallery.currentCard)) gallery.currentCard.focus({ preventScroll: true });
  else gallery.goTo(gallery.current);
}

function showMosaic() {
  if (!byId("mosaic")) return;
  for (const suspect of content.suspects.filter((one) => one.picture).slice(0, IN_THE_MOSAIC)) {
    const name = `${suspect.given_label}? Looks like ${suspect.suggested_label}`;
    const button = element(
      "button",
      { type: "button", "aria-label": name, title: name },
      imageOf(suspect.picture, ""),
      element(
        "span",
        {},
        element("s", {}, element("bdi", {}, suspect.given_label)),
        element("bdi", {}, suspect.suggested_label),
      ),
    );
    button.addEventListener("click", () => goToLabel(suspect));
    byId("mosaic").append(button);
  }
}

function listenToGallery() {
  const makeCurrent = (card) => {
    if (!card || card.suspect === gallery.current) return;
    gallery.current = card.suspect;
    gallery.mark();
  };
  byId("gallery").addEventListener("focusin", (event) => makeCurrent(event.target.closest(".card")));
  byId("gallery").addEventListener("click", (event) => {
    makeCurrent(event.target.closest(".card"));
    const does = event.target.closest("[data-do]")?.dataset.do;
    if (does) DOES[does]();
    const unfold = event.target.closest(".unfold");
    if (unfold) switchFold(unfold);
  });
  byId("previous-page").addEventListener("click", () => gallery.turn(-1));
  byId("next-page").addEventListener("click", () => gallery.turn(1));
  byId("filter-form").addEventListener("input", () => gallery.filter());
  byId("filter-form").addEventListener("submit", (event) => event.preventDefault());
  byId("clear").addEventListener("click", () => {
    gallery.clearFilters();
    gallery.focus();
  });
}

function listenToModes() {
  for (const [id, isBlind] of [["mode-review", false], ["mode-measure", true]]) {
    byId(id)?.addEventListener("click", () => {
      setMode({ isBlind });
      gallery.focus();
    });
  }
  for (const button of document.querySelectorAll(".to-measure")) button.addEventListener("click", goToMeasurement);
  byId("measure-form")?.addEventListener("submit", (event) => event.preventDefault());
  byId("measure-form")?.addEventListener("change", () => {
    measuring.keepSize();
    if (gallery.isBlind) setMode({ isBlind: true });
    else showProgress();
  });
}

/** Keep the bar from covering what is scrolled to or in focus, however many lines it takes. */
function watchBar() {
  const bar = byId("reviewbar");
  const measure = () => document.documentElement.style.setProperty("--bar-height", `${bar.offsetHeight}px`);
  new ResizeObserver(measure).observe(bar);
}

function listenToTheRest() {
  document.addEventListener("keydown", onKey);
  byId("undo").addEventListener("click", DOES.undo);
  byId("help").addEventListener("click", DOES.help);
  byId("keys-on").checked = kept.get("keys") !== "off";
  byId("keys-on").addEventListener("change", (event) => kept.set("keys", event.target.checked ? "on" : "off"));
  byId("export").addEventListener("click", exportFile);
  byId("import").addEventListener("change", async (event) => {
    if (event.target.files.length) await importFile(event.target.files[0]);
    event.target.value = ""; // so that the same file can be loaded again
  });
  for (const link of document.querySelectorAll('a[href="#review"]')) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      if (gallery.isBlind && content.suspects.length) setMode({ isBlind: false });
      goToReview();
    });
  }
  for (const button of document.querySelectorAll(".pairs button")) {
    button.addEventListener("click", () => showPair(button.dataset));
  }
  addEventListener("beforeunload", (event) => {
    if (keeper.isSafe) return;
    event.preventDefault();
    event.returnValue = true; // older browsers ask for it
  });
}

async function start() {
  listenToGallery();
  listenToTheRest();
  listenToModes();
  showMosaic();
  watchBar();
  await keeper.start();
  decisions.onChange = () => {
    keeper.save();
    showProgress();
  };
  gallery.current = null;
  setMode({ isBlind: !content.suspects.length });
}

start();
