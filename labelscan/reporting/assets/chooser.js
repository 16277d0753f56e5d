"use strict";
/* The class that is neither given nor suggested, found by typing. */

const MOST_CLASSES_LISTED = 50;

class ClassChooser {
  constructor(onChoice) {
    this.onChoice = onChoice;
    this.dialog = byId("class-dialog");
    this.input = byId("class-input");
    this.options = byId("class-list");
    this.none = byId("class-none");
    this.input.addEventListener("input", () => this.list());
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    this.options.addEventListener("click", (event) => this.take(event.target.closest("li")));
    byId("class-cancel").addEventListener("click", () => this.dialog.close());
    byId("class-form").addEventListener("submit", (event) => event.preventDefault());
  }

  open() {
    this.input.value = "";
    this.list();
    this.dialog.showModal();
    this.input.focus();
  }

  /** List the classes whose name contains the text: the exact name first, then those that begin with it. */
  list() {
    const text = this.input.value.trim().toLocaleLowerCase();
    const place = (name) => name.toLocaleLowerCase().indexOf(text);
    const worth = (name) => (name.toLocaleLowerCase() === text ? 0 : place(name) === 0 ? 1 : 2);
    const found = content.class_names.filter((name) => place(name) >= 0);
    found.sort((one, other) => worth(one) - worth(other));
    const options = found.slice(0, MOST_CLASSES_LISTED).map((name, index) => {
      const option = element("li", { role: "option", id: `class-${index}` }, element("bdi", {}, name));
      option.ofClass = name;
      return option;
    });
    this.options.replaceChildren(...options);
    this.none.textContent = options.length ? "" : "No class has that in its name.";
    this.choose(0);
  }

  choose(index) {
    const options = [...this.options.children];
    this.chosen = options[Math.max(0, Math.min(index, options.length - 1))];
    for (const option of options) option.setAttribute("aria-selected", String(option === this.chosen));
    this.chosen?.scrollIntoView({ block: "nearest" });
    if (this.chosen) this.input.setAttribute("aria-activedescendant", this.chosen.id);
    else this.input.removeAttribute("aria-activedescendant");
  }

  onKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.choose([...this.options.children].indexOf(this.chosen) + step);
    else if (event.key === "Enter" && !event.isComposing) this.take(this.chosen);
    else return;
    event.preventDefault();
  }

  take(option) {
    if (!option) return;
    this.dialog.close();
    this.onChoice(option.ofClass);
  }
}
