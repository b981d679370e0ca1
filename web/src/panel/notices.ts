/** Notices that stay until their cause is gone. */

import { el, icon, ICONS } from "../dom";

export class Notices {
  readonly element = el("div", { class: "notices" });
  private readonly shown = new Map<string, HTMLElement>();

  /** Show `text` as the notice called `name`, or take that notice away. */
  set(name: string, text: string | null): void {
    const old = this.shown.get(name);
    if (text === null) {
      old?.remove();
      this.shown.delete(name);
      return;
    }
    if (old?.textContent === text) return;
    const notice = el("p", { class: "notice", role: "status", "data-notice": name }, icon(ICONS.warning), el("span", {}, text));
    if (old) old.replaceWith(notice);
    else this.element.append(notice);
    this.shown.set(name, notice);
  }
}
