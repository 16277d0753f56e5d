"use strict";
/* Where decisions are kept: in the browser for a page opened from disk, in the run folder for a served one. */

const SAVE_AFTER = 300;
const TRY_AGAIN_AFTER = 5000;
/* Milliseconds. */
const NOT_FOUND = 404;
const CHANGED = 412;
const REFUSED = 422;

/** What both places have in common: ``show`` says where decisions are, ``onOthers`` follows decisions made elsewhere. */
class Keeper {
  constructor(decisions, { show, explain, onOthers }) {
    Object.assign(this, { decisions, show, explain, onOthers });
    this.base = new Map(); // what was kept when we last looked
    this.isSafe = true;
  }

  exported() {
    this.isSafe = true;
  }

  /** Join what is kept there now with what was decided here since we last looked. */
  join(there) {
    this.decisions.replace(withChanges(there, this.changes()));
    this.base = there;
    this.onOthers();
  }

  changes() {
    return changesBetween(this.base, this.decisions.records);
  }
}

/** Keeps decisions in the browser, under the fingerprint of the data. */
class BrowserKeeper extends Keeper {
  key = `decisions:${content.fingerprint}`;

  async start() {
    this.meet();
    this.showWhere(kept.set("probe", "1"));
    addEventListener("storage", (event) => {
      if (event.key === `labelscan:${this.key}`) this.meet();
    });
  }

  /** Join in what other tabs of this page have decided. */
  meet() {
    let there;
    try {
      there = byExample(JSON.parse(kept.get(this.key)));
    } catch {
      return; // nothing, or nothing of ours
    }
    this.join(there);
  }

  save() {
    this.meet();
    this.isSafe = kept.set(this.key, JSON.stringify(this.decisions.list()));
    if (this.isSafe) this.base = new Map(this.decisions.records);
    this.showWhere(this.isSafe);
  }

  showWhere(keeps) {
    if (keeps) this.show("Kept in this browser");
    else this.show("Kept until this tab closes: save the file first", "bad");
  }
}

/** Keeps decisions in the decisions.csv of the run, through the labelscan that serves the page. */
class ServerKeeper extends Keeper {
  etag = null;
  isSaving = false;
  timer = 0;
  unsaved = new Unsaved();

  async start() {
    const changes = this.unsaved.resume();
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

  /** Join in what the server has now. */
  async meet() {
    const answer = await this.ask({ cache: "no-store" });
    const there = byExample(await answer.json());
    this.etag = answer.headers.get("ETag");
    this.join(there);
  }

  hasChanges() {
    return this.changes().length > 0;
  }

  save() {
    this.isSafe = false;
    this.isKept = this.unsaved.keep(this.changes());
    this.show("Saving…");
    this.putAfter(SAVE_AFTER);
  }

  saved() {
    this.isSafe = true;
    this.unsaved.forget();
    this.show("Saved in decisions.csv of the run");
  }

  putAfter(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.put(), milliseconds);
  }

  async put() {
    if (this.isSaving) return this.putAfter(SAVE_AFTER);
    this.isSaving = true;
    try {
      // Without an ETag nothing was read yet, and what is there must not be overwritten.
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

  /** Leave out what a file has about labels that are not in this run; return whether there was any. */
  leaveOut(reason) {
    const n = this.decisions.forgetUnknown(this.base);
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
      const what = this.isKept === false ? "save the file and load it there" : "your decisions are there too";
      this.show(`labelscan was restarted. Open the page that it named: ${what}`, "bad");
      return;
    }
    const reason = error instanceof TypeError ? "labelscan does not answer" : error.message;
    this.show(`Could not save (${reason}); trying again. Save the file to be sure`, "bad");
    this.putAfter(TRY_AGAIN_AFTER);
  }
}

/** What a served page has not saved yet, kept in the browser so that the next page resumes with it. */
class Unsaved {
  start = `unsaved:${content.fingerprint}:`;
  key = this.start + Math.random().toString(36).slice(2); // other tabs have their own
  earlier = new Map();

  /** Return the changes that other pages have left. */
  resume() {
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

  /** Forget all that was kept or resumed, except what another tab has added meanwhile. */
  forget() {
    for (const [key, text] of this.earlier) if (kept.get(key) === text) kept.remove(key);
    this.earlier.clear();
    kept.remove(this.key);
  }
}
