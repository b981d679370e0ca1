/** The keys of the screen, and a page that tells them. */

import { el, icon, ICONS } from "../dom";
import { w } from "./words";

const KEYS = [
  ["n", "help.n"],
  ["/", "help.slash"],
  ["j k", "help.jk"],
  ["Enter", "help.enter"],
  ["r", "help.r"],
  ["1 – 9", "help.digit"],
  ["l", "help.l"],
  ["b", "help.b"],
  ["m", "help.m"],
  ["w", "help.w"],
  ["Esc", "help.esc"],
  ["?", "help.?"],
] as const;

export class Help {
  readonly element = el("dialog", { class: "help", id: "help" });

  toggle(): void {
    if (this.element.open) return this.element.close();
    const rows = KEYS.map(([key, word]) => el("div", {}, el("dt", {}, ...key.split(" ").map((part) => (part === "–" ? "–" : el("kbd", {}, part)))), el("dd", {}, w(word))));
    this.element.setAttribute("aria-label", w("help.title"));
    this.element.replaceChildren(
      el("header", {}, el("h2", {}, w("help.title")), el("button", { type: "button", class: "quiet", "aria-label": w("one.close"), onclick: () => this.element.close() }, icon(ICONS.close))),
      el("dl", {}, ...rows),
    );
    this.element.showModal();
  }
}

/** Whether a key goes to a field that is being typed in. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
}
