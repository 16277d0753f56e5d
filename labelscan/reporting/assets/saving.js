"use strict";
/* Where decisions are kept: in the browser for a page opened from disk, in the run folder for a served one. */

const SAVE_AFTER = 300;
const TRY_AGAIN_AFTER = 5000;
/* Milliseconds. */
const SAVED = "Saved in decisions.csv of the run";
const NOT_FOUND = 404;
const CHANGED = 412;
const REFUSED = 422;

/** Keeps decisions in the browser, under the fingerprint of the data. */
class BrowserKeeper {
  constructor(decisions, { tell, onOthers }) {
    Object.assign(this, { decisions, tell, onOthers });
    this.key = `decisions:${content.fingerprint}`;
    this.base = new Map(); // what the browser had when we last looked
    this.isSafe = true;
  }

  async start() {
    this.meet();
    this.tellWhere(kept.set("probe", "1"));
    addEventListener("storage", (event) => {
      if (event.key === `labelscan:${this.key}`) this.meet();
    });
  }

  /** Put together what other tabs of this page have decided and what was decided here. */
  meet() {
    const there = this.read();
    if (!there) return;
    this.decisions.replace(withChanges(there, changesBetween(this.base, this.decisions.records)));
    this.base = there;
    this.onOthers();
  }

  read() {
    try {
      return byExample(JSON.parse(kept.get(this.key)));
    } catch {
      return null; // nothing, or nothing of ours
    }
  }

  save() {
    this.meet();
    this.isSafe = kept.set(this.key, JSON.stringify(this.decisions.list()));
    if (this.isSafe) this.base = new Map(this.decisions.records);
    this.tellWhere(this.isSafe);
  }

  exported() {
    this.isSafe = true;
  }

  tellWhere(keeps) {
    if (keeps) this.tell("Kept in this browser");
    else this.tell("Kept until this tab closes: save the file before", "bad");
  }
}

/** Keeps decisions in the decisions.csv of the run, through the labelscan that serves the page. */
class ServerKeeper {
  constructor(decisions, { tell, explain, onOthers }) {
    Object.assign(this, { decisions, tell, explain, onOthers });
    this.base = new Map(); // what the server had when we last spoke
    this.etag = null;
    this.isSafe = true;
    this.isSaving = false;
    this.timer = 0;
    this.unsaved = new Unsaved();
  }

  async start() {
    const changes = this.unsaved.takeUp();
    this.base = byExample(changes.map(([was]) => was).filter(Boolean));
    this.decisions.replace(withChanges(this.base, changes));
    try {
      await this.meet();
      if (this.hasChanges()) this.save();
      else this.saved();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Put together what the server has now and what was decided here since we last spoke. */
  async meet() {
    const answer = await this.ask({ cache: "no-store" });
    const there = byExample(await answer.json());
    this.etag = answer.headers.get("ETag");
    this.decisions.replace(withChanges(there, this.changes()));
    this.base = there;
    this.onOthers();
  }

  changes() {
    return changesBetween(this.base, this.decisions.records);
  }

  hasChanges() {
    return this.changes().length > 0;
  }

  save() {
    this.isSafe = false;
    this.isKept = this.unsaved.keep(this.changes());
    this.tell("Saving…");
    this.putAfter(SAVE_AFTER);
  }

  saved() {
    this.isSafe = true;
    this.unsaved.forget();
    this.tell(SAVED);
  }

  exported() {
    this.isSafe = true;
  }

  putAfter(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.put(), milliseconds);
  }

  async put() {
    if (this.isSaving) return this.putAfter(SAVE_AFTER);
    this.isSaving = true;
    try {
      // Without an ETag nothing was read yet: what is there must not be written over.
      if (this.etag === null) await this.meet();
      await this.send();
      if (this.hasChanges()) this.putAfter(SAVE_AFTER);
      else this.saved();
    } catch (error) {
      this.failed(error);
    } finally {
      this.isSaving = false;
    }
  }

  async send() {
    const sent = new Map(this.decisions.records);
    try {
      const headers = { "Content-Type": "application/json", "If-Match": this.etag };
      const answer = await this.ask({ method: "PUT", headers, body: JSON.stringify(this.decisions.list()) });
      this.etag = answer.headers.get("ETag");
      this.base = sent;
    } catch (error) {
      if (error.status === CHANGED) await this.meet();
      else if (error.status !== REFUSED || !this.leaveOut(error.message)) throw error;
    }
  }

  /** Leave out what came from a file and is about no label of this run; return whether there was any. */
  leaveOut(reason) {
    const n = this.decisions.forgetStrangers(this.base);
    if (n > 0) this.explain(`Left out, as this run has no such labels: ${count(n)}. ${reason}`);
    return n > 0;
  }

  async ask(request) {
    const answer = await fetch(content.save_to, request);
    if (answer.ok) return answer;
    const error = new Error((await answer.text()).trim().slice(0, 300) || answer.statusText);
    throw Object.assign(error, { status: answer.status });
  }

  failed(error) {
    if (error.status === NOT_FOUND) {
      const what = this.isKept === false ? "save the file and load it there" : "it continues with what was decided here";
      this.tell(`labelscan was started anew. Open the page it named: ${what}`, "bad");
      return;
    }
    const reason = error instanceof TypeError ? "labelscan does not answer" : error.message;
    this.tell(`Could not save (${reason}); trying again. Save the file to be sure`, "bad");
    this.putAfter(TRY_AGAIN_AFTER);
  }
}

/** What a served page has not saved yet, kept in the browser: whatever ends, the next page takes it up. */
class Unsaved {
  constructor() {
    this.start = `unsaved:${content.fingerprint}:`;
    this.key = this.start + Math.random().toString(36).slice(2); // other tabs have their own
    this.earlier = new Map();
  }

  /** Return the changes that other pages have left. */
  takeUp() {
    this.earlier = new Map(kept.keysFrom(this.start).map((key) => [key, kept.get(key)]));
    return [...this.earlier.values()].flatMap((text) => {
      try {
        return JSON.parse(text) ?? [];
      } catch {
        return []; // not ours
      }
    });
  }

  keep(changes) {
    return kept.set(this.key, JSON.stringify(changes));
  }

  /** Forget all that was kept or continued, but for what another tab has added meanwhile. */
  forget() {
    for (const [key, text] of this.earlier) if (kept.get(key) === text) kept.remove(key);
    this.earlier.clear();
    kept.remove(this.key);
  }
}
