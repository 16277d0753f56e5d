"use strict";
/* What is decided about single labels, and its file: the same columns and rules as in labelscan's decisions.py. */

const FORMULA = /^'*[=+\-@\t\r]/;
const guarded = (cell) => (FORMULA.test(cell) ? `'${cell}` : cell);
const bare = (cell) => (cell.startsWith("'") && FORMULA.test(cell.slice(1)) ? cell.slice(1) : cell);

/** Every decision about this data, also those about labels that this page does not show. */
class Decisions {
  constructor(suspects) {
    this.shown = new Map(suspects.map((suspect) => [suspect.example_id, suspect]));
    this.records = new Map();
    this.past = [];
    this.onChange = () => {};
  }

  /** Return the decision about a suspect, if there is one about the label that it has now. */
  of(suspect) {
    const record = this.records.get(suspect.example_id);
    return record && (!record.given_label || record.given_label === suspect.given_label) ? record : null;
  }

  decide(suspect, decision, newLabel = "") {
    this.past.push([suspect, this.records.get(suspect.example_id)]);
    this.records.set(suspect.example_id, {
      example_id: suspect.example_id,
      decision,
      new_label: newLabel,
      time: new Date().toISOString().replace(/\.\d+/, ""),
      given_label: suspect.given_label,
    });
    this.onChange();
  }

  /** Take back the last decision and return its suspect, or null. */
  undo() {
    if (!this.past.length) return null;
    const [suspect, before] = this.past.pop();
    if (before) this.records.set(suspect.example_id, before);
    else this.records.delete(suspect.example_id);
    this.onChange();
    return suspect;
  }

  /** Take a list of decisions for all there are. */
  replace(records) {
    this.records = new Map(records.map((record) => [record.example_id, record]));
  }

  /** Add decisions about labels shown here; return what is wrong with the others. */
  add(records) {
    const strangers = [];
    for (const record of records) {
      const suspect = this.shown.get(record.example_id);
      if (!suspect) strangers.push(`${record.example_id} is not on this page`);
      else if (record.given_label && record.given_label !== suspect.given_label) {
        strangers.push(`${record.example_id} was ${record.given_label} then and is ${suspect.given_label} now`);
      } else this.records.set(record.example_id, { ...record, given_label: suspect.given_label });
    }
    this.past = [];
    this.onChange();
    return strangers;
  }

  /** Return all decisions, those shown here in their order first. */
  list() {
    const here = [...this.shown.keys()].filter((id) => this.records.has(id));
    const others = [...this.records.keys()].filter((id) => !this.shown.has(id));
    return [...here, ...others].map((id) => this.records.get(id));
  }

  get nReviewed() {
    return [...this.shown.values()].filter((suspect) => this.of(suspect)).length;
  }
}

function csvOf(records) {
  const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = records.map((record) => content.columns.map((name) => guarded(record[name] ?? "")));
  return [content.columns, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** Return the rows of a CSV text as lists of cells; throw where quotes are not as RFC 4180 has them. */
function rowsOf(text) {
  const rows = [];
  const cells = /(?:"((?:[^"]|"")*)"|([^",\r\n][^,\r\n]*|))(,|\r\n|\n|\r|$)/y;
  let row = [];
  while (cells.lastIndex < text.length || row.length) {
    const start = cells.lastIndex;
    const match = cells.exec(text);
    if (!match) throw new Error(`the quotes in row ${rows.length + 1} do not match`);
    row.push(match[1] === undefined ? match[2] : match[1].replaceAll('""', '"'));
    if (match[3] === ",") continue;
    if (row.length > 1 || row[0] !== "" || match[1] !== undefined) rows.push(row);
    row = [];
    if (cells.lastIndex === start) break;
  }
  return rows;
}

/** Return the decisions in a file and what is wrong with its rows; of several about one example the last counts. */
function readDecisions(text) {
  const [header = [], ...rows] = rowsOf(text.replace(/^\ufeff/, ""));
  const missing = ["example_id", "decision", "new_label"].find((name) => !header.includes(name));
  if (missing) throw new Error(`no column is called ${missing}`);
  const records = new Map();
  const problems = [];
  rows.forEach((row, number) => {
    const cell = (name) => bare(row[header.lastIndexOf(name)] ?? "");
    const decision = cell("decision").trim().toLowerCase();
    const relabels = decision === "relabel";
    const where = `row ${number + 2}`;
    if (!cell("example_id")) problems.push(`${where}: the example_id is empty`);
    else if (!content.verdicts.includes(decision))
      problems.push(`${where}: ${cell("decision") || "nothing"} is no decision`);
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
