/** The form for a typed point. */

import { coordinateNames } from "../api";
import type { Actions } from "../app";
import { CRS_IDS, type CrsId, isCrs, splitPair } from "../crs";
import { el } from "../dom";
import { type Query, toNumber } from "../hash";
import { type Key, t } from "../i18n";
import { recall, remember } from "../storage";

/** The form keeps what was typed when the language changes: its words are set anew, its fields stay. */
export class PointForm {
  readonly element: HTMLFormElement;
  private readonly crs = el("select", { id: "crs", name: "crs", onchange: () => this.crsChanged() });
  private readonly first = el("input", { id: "first", name: "first", inputmode: "text", autocomplete: "off", required: true, "aria-describedby": "form-problem" });
  private readonly second = el("input", { id: "second", name: "second", inputmode: "text", autocomplete: "off", required: true, "aria-describedby": "form-problem" });
  private readonly problem = el("p", { id: "form-problem", class: "field-problem", role: "alert" });
  private readonly words: (() => void)[] = [];

  constructor(private readonly actions: Actions) {
    const crsLabel = el("label", { for: "crs" });
    const firstLabel = el("label", { for: "first" });
    const secondLabel = el("label", { for: "second" });
    const submit = el("button", { type: "submit", class: "primary" });
    const hint = el("p", { class: "hint" });
    this.crs.append(...CRS_IDS.map((id) => el("option", { value: id })));
    this.element = el(
      "form",
      { class: "point-form", id: "query", novalidate: true, onsubmit: (event) => this.submit(event) },
      el("div", { class: "field wide" }, crsLabel, this.crs),
      el("div", { class: "field" }, firstLabel, this.first),
      el("div", { class: "field" }, secondLabel, this.second),
      submit,
      this.problem,
      hint,
    );
    this.words.push(() => {
      crsLabel.textContent = t("form.crs");
      const [first, second] = coordinateNames(this.selected());
      firstLabel.textContent = t(`form.${first}`);
      secondLabel.textContent = t(`form.${second}`);
      submit.textContent = t("form.submit");
      hint.textContent = t("form.hint");
      this.element.setAttribute("aria-label", t("form.title"));
      for (const option of this.crs.options) option.textContent = t(`crs.${option.value}` as Key);
    });
    for (const input of [this.first, this.second]) {
      input.addEventListener("paste", (event) => this.paste(event));
      input.addEventListener("input", () => this.complain(null, ""));
    }
    const remembered = recall("crs") ?? "";
    if (isCrs(remembered)) this.crs.value = remembered;
    this.render();
  }

  render(): void {
    for (const word of this.words) word();
  }

  /** Show a point that came from elsewhere, as from the page's address. */
  fill(query: Query): void {
    this.crs.value = query.crs;
    this.first.value = String(query.first);
    this.second.value = String(query.second);
    this.render();
  }

  private selected(): CrsId {
    return isCrs(this.crs.value) ? this.crs.value : "wgs84";
  }

  private crsChanged(): void {
    remember("crs", this.crs.value);
    this.render();
  }

  private paste(event: ClipboardEvent): void {
    const pair = splitPair(event.clipboardData?.getData("text") ?? "");
    if (!pair) return;
    event.preventDefault();
    [this.first.value, this.second.value] = pair;
    this.complain(null, "");
  }

  private submit(event: Event): void {
    event.preventDefault();
    const pair = this.second.value.trim() === "" ? splitPair(this.first.value) : null;
    if (pair) [this.first.value, this.second.value] = pair;
    const [first, second] = [toNumber(this.first.value), toNumber(this.second.value)];
    if (Number.isNaN(first)) return this.complain(this.first, t("form.bad.first"));
    if (Number.isNaN(second)) return this.complain(this.second, t("form.bad.second"));
    this.complain(null, "");
    this.actions.ask({ first, second, crs: this.selected() });
  }

  private complain(input: HTMLInputElement | null, text: string): void {
    this.problem.textContent = text;
    for (const each of [this.first, this.second]) each.setAttribute("aria-invalid", String(each === input));
    input?.focus();
  }
}
