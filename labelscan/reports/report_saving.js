"use strict";
/* Where decisions are kept: in the browser for a page opened from disk, in the run folder for a served one. */

const SAVE_AFTER = 300;
const TRY_AGAIN_AFTER = 5000;
/* Milliseconds. */
const SAVED = "Saved in decisions.csv of the run";

/** Keeps decisions in the browser, under the fingerprint of the data. */
class BrowserKeeper {
  constructor(decisions, tell) {
    this.decisions = decisions;
    this.tell = tell;
    this.key = `decisions:${content.fingerprint}`;
    this.keeps = true;
    this.isSafe = true;
  }

  async start(onOthers) {
    const take = (text) => {
      try {
        this.decisions.replace(JSON.parse(text) ?? []);
      } catch {
        this.decisions.replace([]);
      }
    };
    take(kept.get(this.key));
    this.keeps = kept.set("probe", "1");
    this.tellWhere();
    addEventListener("storage", (event) => {
      if (event.key !== `labelscan:${this.key}`) return;
      take(event.newValue); // another tab of this page
      onOthers();
    });
  }

  save() {
    this.keeps = kept.set(this.key, JSON.stringify(this.decisions.list()));
    this.isSafe = this.keeps;
    this.tellWhere();
  }

  exported() {
    this.isSafe = true;
  }

  tellWhere() {
    this.tell(
      this.keeps ? "Kept in this browser" : "Kept until this tab closes: save the file before",
      this.keeps ? "" : "bad",
    );
  }
}

/** Keeps decisions in the decisions.csv of the run, through the labelscan that serves the page. */
class ServerKeeper {
  constructor(decisions, tell) {
    this.decisions = decisions;
    this.tell = tell;
    this.base = []; // what the server had when we last spoke
    this.etag = null;
    this.isSafe = true;
    this.timer = 0;
    this.isSaving = false;
  }

  async start(onOthers) {
    this.onOthers = onOthers;
    try {
      await this.read();
      this.decisions.replace(this.base);
      this.tell(SAVED, "");
    } catch (error) {
      this.failed(error);
    }
  }

  async read() {
    const answer = await fetch(content.save_to, { cache: "no-store" });
    await this.check(answer);
    this.base = await answer.json();
    this.etag = answer.headers.get("ETag");
  }

  save(after = SAVE_AFTER) {
    this.isSafe = false;
    this.tell("Saving…", "");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.put(), after);
  }

  exported() {}

  async put() {
    if (this.isSaving) return this.save();
    this.isSaving = true;
    try {
      // Without an ETag nothing was read yet: what is there must not be written over.
      if (this.etag === null) await this.merge();
      await this.send();
      if (this.isSafe) this.tell(SAVED, "");
      else this.save();
    } catch (error) {
      this.failed(error);
    } finally {
      this.isSaving = false;
    }
  }

  async send() {
    const sent = this.decisions.list();
    const answer = await fetch(content.save_to, {
      method: "PUT",
      headers: { "Content-Type": "application/json", "If-Match": this.etag },
      body: JSON.stringify(sent),
    });
    if (answer.status === 412) return this.merge();
    await this.check(answer);
    this.etag = answer.headers.get("ETag");
    this.base = sent;
    this.isSafe = JSON.stringify(sent) === JSON.stringify(this.decisions.list());
  }

  async check(answer) {
    if (!answer.ok) throw new Error((await answer.text()).trim().slice(0, 300) || answer.statusText);
  }

  /** Put together what the server has now and what was decided here since: of both the newer. */
  async merge() {
    const before = new Map(this.base.map((record) => [record.example_id, record]));
    const mine = this.decisions.records;
    await this.read();
    const merged = new Map(this.base.map((record) => [record.example_id, record]));
    for (const id of new Set([...before.keys(), ...mine.keys()])) {
      const [own, old, theirs] = [mine.get(id), before.get(id), merged.get(id)].map((one) => JSON.stringify(one));
      if (own === old) continue; // not touched here
      const isTheirsNewer = theirs !== old && (merged.get(id)?.time ?? "") > (mine.get(id)?.time ?? "");
      if (isTheirsNewer) continue;
      if (mine.has(id)) merged.set(id, mine.get(id));
      else merged.delete(id);
    }
    this.decisions.replace([...merged.values()]);
    this.onOthers();
  }

  failed(error) {
    this.isSafe = false;
    const reason = error instanceof TypeError ? "labelscan does not answer" : error.message;
    this.tell(`Could not save (${reason}); trying again. Save the file to be sure`, "bad");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.put(), TRY_AGAIN_AFTER);
  }
}
