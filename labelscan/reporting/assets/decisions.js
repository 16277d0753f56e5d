"use strict";
/* Decisions about single labels, and their file: the same columns and rules as in labelscan's decisions.py. */

const FORMULA = /^'*[=+\-@\t\r]/;
const guarded = (cell) => (FORMULA.test(cell) ? `'${cell}` : cell);
const bare = (cell) => (cell.startsWith("'") && FORMULA.test(cell.slice(1)) ? cell.slice(1) : cell);

const byExample = (records) => new Map(records.map((record) => [record.example_id, record]));
const timeOf = (record) => Date.parse(record?.time) || 0;
/** Return whether two decisions, each of which may be missing, say the same. */
const isSame = (one, other) => content.columns.every((name) => (one?.[name] ?? "") === (other?.[name] ?? ""));

/** Return what differs between two maps of decisions: pairs of what was and what is, null for none. */
function changesBetween(before, after) {
  const pairs = [...new Map([...before, ...after]).keys()].map((id) => [before.get(id) ?? null, after.get(id) ?? null]);
  return pairs.filter(([was, is]) => !isSame(was, is));
}

/** Return decisions with changes made in them, except where others made a later change. */
function withChanges(records, changes) {
  const changed = new Map(records);
  for (const [was, is] of changes) {
    const id = (is ?? was).example_id;
    const there = changed.get(id);
    if (!isSame(there, was) && timeOf(there) >= timeOf(is)) continue;
    if (is) changed.set(id, is);
    else changed.delete(id);
  }
  return changed;
}

const SAYS_WRONG = { keep: false, relabel: true, drop: true };
/* What a decision says of the label that was looked at; nothing if unsure. */

/** Return whether a label is the one that it was decided to be, and was another before. */
const isCorrected = (record, label) =>
  record.decision === "relabel" &&
  record.new_label === label.given_label &&
  Boolean(record.given_label) &&
  record.given_label !== label.given_label;

/** Every decision about this data, including those about labels that this page does not show. */
class Decisions {
  constructor(labels) {
    this.shown = byExample(labels);
    this.records = new Map();
    this.past = []; // step by step: what was and what is, as pairs
    this.onChange = () => {};
  }

  /** Return the decision about a suspect and the label that it has now, or null. */
  of(suspect) {
    const record = this.records.get(suspect.example_id);
    return record && (!record.given_label || record.given_label === suspect.given_label) ? record : null;
  }

  decide(suspect, decision, newLabel = "") {
    const time = new Date().toISOString().replace(/\.\d+/, "");
    const { example_id, given_label } = suspect;
    this.take([{ example_id, decision, new_label: newLabel, time, given_label }]);
  }

  /** Take decisions as one step, which ``undo`` takes back. */
  take(records) {
    this.past.push(records.map((record) => [this.records.get(record.example_id), record]));
    for (const record of records) this.records.set(record.example_id, record);
    this.onChange();
  }

  /** Take back the last step, except what another page has decided since; return the ids. */
  undo() {
    while (this.past.length) {
      const undone = this.past.pop().filter((pair) => this.stands(pair));
      if (!undone.length) continue;
      for (const [was, { example_id }] of undone) {
        if (was) this.records.set(example_id, was);
        else this.records.delete(example_id);
      }
      this.onChange();
      return undone.map(([, { example_id }]) => example_id);
    }
    return [];
  }

  stands([, is]) {
    return isSame(this.records.get(is.example_id), is);
  }

  get canUndo() {
    return this.past.some((step) => step.some((pair) => this.stands(pair)));
  }

  /** Replace all decisions by those of a map. */
  replace(records) {
    this.records = new Map(records);
  }

  /** Add the decisions of a file unless there are later ones; return how many were added, skipped and wrong. */
  add(records) {
    const [news, wrong] = [[], []];
    const counts = { taken: 0, older: 0, notShown: 0, corrected: 0 };
    for (const record of records) {
      const suspect = this.shown.get(record.example_id);
      const there = this.records.get(record.example_id);
      const corrected = suspect && isCorrected(record, suspect);
      if (suspect && record.given_label && record.given_label !== suspect.given_label && !corrected) {
        wrong.push(`${record.example_id} was ${record.given_label} then and is ${suspect.given_label} now`);
      } else if (timeOf(there) > timeOf(record)) counts.older += 1;
      else {
        counts.taken += 1;
        if (!suspect) counts.notShown += 1;
        if (corrected) counts.corrected += 1;
        const own = corrected ? record : { ...record, given_label: suspect?.given_label ?? record.given_label };
        if (!isSame(own, there)) news.push(own);
      }
    }
    if (news.length) this.take(news);
    return { ...counts, wrong };
  }

  /** Forget decisions about labels that neither this page shows nor others know; return how many. */
  forgetUnknown(known) {
    const ids = [...this.records.keys()].filter((id) => !this.shown.has(id) && !known.has(id));
    for (const id of ids) this.records.delete(id);
    return ids.length;
  }

  /** Return all decisions, those shown here in their order first. */
  list() {
    const here = [...this.shown.keys()].filter((id) => this.records.has(id));
    const others = [...this.records.keys()].filter((id) => !this.shown.has(id));
    return [...here, ...others].map((id) => this.records.get(id));
  }

  /** Return how many labels were decided to be wrong and have been corrected, or may be, since this page shows none. */
  nCorrected() {
    const isOther = ({ example_id: id, ...record }) => !this.shown.has(id) || isCorrected(record, this.shown.get(id));
    return [...this.records.values()].filter((one) => SAYS_WRONG[one.decision] && isOther(one)).length;
  }

  /** Return how many of some labels are decided. */
  nOf(labels) {
    return labels.filter((label) => this.of(label)).length;
  }
}

function csvOf(records) {
  const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = records.map((record) => content.columns.map((name) => guarded(record[name] ?? "")));
  return [content.columns, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** Return the rows of a CSV text as lists of cells; throw if its quotes do not follow RFC 4180. */
function rowsOf(text, separator) {
  const rows = [];
  const bare = `[^"${separator}\\r\\n][^${separator}\\r\\n]*|`;
  const cells = new RegExp(`(?:"((?:[^"]|"")*)"|(${bare}))(${separator}|\\r\\n|\\n|\\r|$)`, "y");
  let row = [];
  while (cells.lastIndex < text.length || row.length) {
    const start = cells.lastIndex;
    const match = cells.exec(text);
    if (!match) throw new Error(`the quotes in row ${rows.length + 1} do not match`);
    row.push(match[1] === undefined ? match[2] : match[1].replaceAll('""', '"'));
    if (match[3] === separator) continue;
    if (row.length > 1 || row[0] !== "" || match[1] !== undefined) rows.push(row);
    row = [];
    if (cells.lastIndex === start) break;
  }
  return rows;
}

/** Return the decisions in a file and what is wrong with its rows; of several about one example the last counts. */
function readDecisions(text) {
  const plain = text.replace(/^\ufeff/, "");
  const [line] = plain.split(/\r\n|\n|\r/);
  const namesIn = (separator) => line.split(separator).map((name) => name.replaceAll('"', "").trim().toLowerCase());
  const separator = [",", ";", "\t"].find((one) => namesIn(one).includes("example_id")) ?? ",";
  const [names = [], ...rows] = rowsOf(plain, separator);
  const header = names.map((name) => name.trim().toLowerCase());
  const missing = ["example_id", "decision", "new_label"].find((name) => !header.includes(name));
  if (missing) throw new Error(`no column is called ${missing}`);
  const records = new Map();
  const problems = [];
  rows.forEach((row, number) => {
    const cell = (name) => bare(row[header.lastIndexOf(name)] ?? "");
    const decision = cell("decision").trim().toLowerCase();
    const relabels = decision === "relabel";
    const where = `row ${number + 2}`;
    if (!decision && !cell("new_label").trim()) return; // still to be decided
    if (!cell("example_id")) problems.push(`${where}: the example_id is empty`);
    else if (!content.verdicts.includes(decision))
      problems.push(`${where}: ${cell("decision") || "nothing"} is not a decision`);
    else if (relabels && !cell("new_label").trim()) problems.push(`${where}: relabel without a new_label`);
    else {
      records.set(cell("example_id"), {
        example_id: cell("example_id"),
        decision,
        new_label: relabels ? cell("new_label") : "",
        time: cell("time"),
        given_label: cell("given_label"),
      });
    }
  });
  return { records: [...records.values()], problems };
}
