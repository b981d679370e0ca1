/** The form of a new case: an address, a place on the map or coordinates; what would be decided is shown before it is saved. */

import { Problem } from "../api";
import { CRS_IDS, type CrsId, isCrs, splitPair } from "../crs";
import { el } from "../dom";
import { toNumber } from "../hash";
import { t } from "../i18n";
import { recall, remember } from "../storage";
import { decided, type Report, reported, suggested } from "./calls";
import { decisionFacts, question, reasons } from "./facts";
import type { WholeCase } from "./model";
import { w } from "./words";

/** What is typed is decided after a pause of so long. */
const PAUSE_MS = 300;
const SOURCES = ["12345热线", "网格员上报", "监督员采集", "视频巡查", "微信公众号", "领导批示"];

export interface FormEvents {
  previewed(one: WholeCase | null): void;
  saved(one: WholeCase): void;
}

export class CaseForm {
  readonly element: HTMLFormElement;
  private readonly address = this.input("address", { list: "suggestions", maxlength: 500 });
  private readonly place = this.input("place", { class: "mono" });
  private readonly crs = el("select", { id: "case-crs", onchange: () => this.crsChanged() });
  private readonly accuracy = this.input("accuracy", { inputmode: "decimal" });
  private readonly category = this.input("category", { required: true, maxlength: 200 });
  private readonly description = el("textarea", { id: "case-description", rows: 2, maxlength: 4000, oninput: () => this.typed() });
  private readonly source = this.input("source", { list: "sources", maxlength: 200 });
  private readonly component = this.input("component", { class: "mono", maxlength: 64 });
  private readonly reporter = this.input("reporter", { maxlength: 100 });
  private readonly phone = this.input("phone", { type: "tel", maxlength: 40 });
  private readonly suggestions = el("datalist", { id: "suggestions" });
  private readonly save = el("button", { type: "submit", class: "primary", id: "save" });
  private readonly clearing = el("button", { type: "button", class: "quiet", id: "clear", onclick: () => this.clear() });
  private readonly problem = el("p", { class: "field-problem", id: "case-problem", role: "alert" });
  /** What would be decided: shown beside the form. */
  readonly preview = el("div", { class: "preview", id: "preview", "aria-live": "polite" });
  private readonly words: (() => void)[] = [];
  private pause: ReturnType<typeof setTimeout> | null = null;
  private asking = new AbortController();
  private suggesting = new AbortController();
  /** Stands for the report until it is saved: sent again after a failure it makes no second case. */
  private key = crypto.randomUUID();

  constructor(private readonly events: FormEvents) {
    this.crs.append(...CRS_IDS.map((id) => el("option", { value: id })));
    const remembered = recall("case-crs") ?? "";
    if (isCrs(remembered)) this.crs.value = remembered;
    this.source.value = recall("case-source") ?? "";
    const hint = el("p", { class: "hint" });
    const note = el("p", { class: "faint small" });
    this.element = el(
      "form",
      { class: "case-form", novalidate: true, onsubmit: (event) => void this.submit(event) },
      this.field(this.address, () => w("form.address"), "wide"),
      hint,
      this.field(this.place, () => w("form.place")),
      this.field(this.crs, () => w("form.crs")),
      this.field(this.accuracy, () => w("form.accuracy"), "narrow"),
      this.field(this.category, () => w("form.category")),
      this.field(this.source, () => w("form.source")),
      this.field(this.description, () => w("form.description"), "wide"),
      el("details", { class: "fold wide" }, el("summary", {}), this.field(this.component, () => w("form.component")), this.field(this.reporter, () => w("form.reporter")), this.field(this.phone, () => w("form.phone")), note),
      this.problem,
      el("div", { class: "buttons" }, this.save, this.clearing),
      this.suggestions,
      el("datalist", { id: "sources" }, ...SOURCES.map((value) => el("option", { value }))),
    );
    this.words.push(() => {
      hint.textContent = w("form.address.hint");
      note.textContent = w("form.reporter.note");
      this.place.placeholder = w("form.place.hint");
      this.save.textContent = w("form.save");
      this.clearing.textContent = w("form.clear");
      (this.element.querySelector("summary") as HTMLElement).textContent = `${w("form.component")}, ${w("form.reporter")}`;
      for (const option of this.crs.options) option.textContent = t(`crs.${option.value as CrsId}`);
    });
    this.address.addEventListener("input", () => void this.suggest());
    this.render();
    this.clearPreview();
  }

  render(): void {
    for (const word of this.words) word();
  }

  focus(): void {
    this.address.focus();
  }

  /** Take a place of the map. */
  fill(lon: number, lat: number): void {
    this.place.value = `${lon.toFixed(6)}, ${lat.toFixed(6)}`;
    this.crs.value = "wgs84";
    this.typed();
  }

  private input(name: string, attributes: Record<string, string | number | boolean>): HTMLInputElement {
    return el("input", { id: `case-${name}`, autocomplete: "off", "aria-describedby": "case-problem", oninput: () => this.typed(), ...attributes });
  }

  private field(input: HTMLElement, name: () => string, size = ""): HTMLElement {
    const label = el("label", { for: input.id });
    this.words.push(() => (label.textContent = name()));
    return el("div", { class: `field ${size}` }, label, input);
  }

  private crsChanged(): void {
    remember("case-crs", this.crs.value);
    this.typed();
  }

  private clear(): void {
    for (const input of [this.address, this.place, this.accuracy, this.category, this.component, this.reporter, this.phone, this.description]) input.value = "";
    this.renew();
    this.address.focus();
  }

  private renew(): void {
    this.key = crypto.randomUUID();
    this.complain("");
    this.clearPreview();
  }

  private clearPreview(): void {
    this.asking.abort();
    if (this.pause !== null) clearTimeout(this.pause);
    this.preview.replaceChildren(el("p", { class: "faint" }, w("form.need")));
    this.events.previewed(null);
  }

  /** What the fields say; null where that is not enough, or where the coordinates are none. */
  private report(): Report | null {
    const pair = this.pair();
    if (pair === "bad" || this.category.value.trim() === "") return null;
    if (pair === null && this.address.value.trim() === "" && this.component.value.trim() === "") return null;
    const accuracy = toNumber(this.accuracy.value);
    return {
      source: this.source.value.trim() || "调度台",
      category: this.category.value,
      description: this.description.value,
      address: this.address.value,
      lon: pair?.[0] ?? null,
      lat: pair?.[1] ?? null,
      crs: isCrs(this.crs.value) ? this.crs.value : "wgs84",
      accuracy_m: Number.isNaN(accuracy) ? null : accuracy,
      component_code: this.component.value,
      reporter: { name: this.reporter.value, phone: this.phone.value },
    };
  }

  private pair(): [number, number] | null | "bad" {
    if (this.place.value.trim() === "") return null;
    const pair = splitPair(this.place.value)?.map(toNumber) ?? [];
    return pair.length === 2 && pair.every(Number.isFinite) ? (pair as [number, number]) : "bad";
  }

  private typed(): void {
    this.key = crypto.randomUUID();
    this.complain(this.pair() === "bad" ? w("form.badplace") : "");
    if (this.pause !== null) clearTimeout(this.pause);
    const report = this.report();
    if (report === null) this.clearPreview();
    else this.pause = setTimeout(() => void this.decide(report), PAUSE_MS);
  }

  private async decide(report: Report): Promise<void> {
    this.asking.abort();
    const asking = (this.asking = new AbortController());
    try {
      this.show(await decided(report, asking.signal));
    } catch (error) {
      if (!asking.signal.aborted) this.complain(wordsOf(error));
    }
  }

  private show(one: WholeCase): void {
    const open = this.preview.querySelector("details")?.open ?? false;
    const folded = reasons(one) as HTMLDetailsElement;
    folded.open = open;
    const chip = el("span", { class: "chip", "data-look": one.state }, w(`state.${one.state}`));
    this.preview.replaceChildren(el("h3", {}, w("preview"), " ", chip), question(one) ?? "", decisionFacts(one, Date.now()), folded);
    this.events.previewed(one);
  }

  private async suggest(): Promise<void> {
    this.suggesting.abort();
    const suggesting = (this.suggesting = new AbortController());
    const text = this.address.value.trim();
    if (text === "") return this.suggestions.replaceChildren();
    try {
      const found = await suggested(text, suggesting.signal);
      this.suggestions.replaceChildren(...found.map((value) => el("option", { value })));
    } catch (error) {
      // Without suggestions an address can be typed all the same.
      if (!(error instanceof Problem) && !suggesting.signal.aborted) throw error;
    }
  }

  private async submit(event: Event): Promise<void> {
    event.preventDefault();
    const report = this.report();
    if (report === null) return this.complain(this.pair() === "bad" ? w("form.badplace") : w("form.need"));
    this.save.disabled = true;
    try {
      const one = await reported(report, this.key, new AbortController().signal);
      remember("case-source", report.source);
      this.clear();
      this.events.saved(one);
    } catch (error) {
      this.complain(wordsOf(error));
    } finally {
      this.save.disabled = false;
    }
  }

  private complain(text: string): void {
    this.problem.textContent = text;
  }
}

/** What went wrong, as the server says it. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Problem)) throw error;
  if (error.status === 0) return w("error.network");
  return [error.parameter, error.detail, error.expected].filter(Boolean).join(" · ");
}
