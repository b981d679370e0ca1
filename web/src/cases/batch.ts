/** Files of cases: dropped or chosen, sent whole, answered row by row; the answer can be kept as a file. */

import { el } from "../dom";
import { sent } from "./calls";
import { wordsOf } from "./form";
import { w } from "./words";

/** What has been answered so far. */
export interface Tally {
  done: number;
  review: number;
  wrong: number;
}

const TYPES: Readonly<Record<string, string>> = { csv: "text/csv", txt: "text/csv", ndjson: "application/x-ndjson", jsonl: "application/x-ndjson", json: "application/json" };

export class BatchPanel {
  readonly element: HTMLElement;
  private readonly hint = el("p", {});
  private readonly file = el("input", { type: "file", id: "batch-file", class: "sr", accept: ".csv,.txt,.ndjson,.jsonl,.json", onchange: () => this.chosen() });
  private readonly choose = el("label", { class: "plain", for: "batch-file", id: "batch-choose" });
  private readonly only = el("input", { type: "checkbox", id: "batch-try" });
  private readonly onlyLabel = el("label", { for: "batch-try" });
  private readonly progress = el("p", { id: "batch-progress", role: "status" });
  private readonly bar = el("progress", { id: "batch-bar", hidden: true });
  private readonly links = el("div", { class: "buttons" });
  private sending: AbortController | null = null;
  private answer: string | null = null;

  constructor() {
    this.element = el("section", { class: "batch", id: "batch" }, el("div", { class: "drop", id: "drop" }, this.hint, this.choose, this.file), el("p", {}, this.only, " ", this.onlyLabel), this.bar, this.progress, this.links);
    this.render();
  }

  render(): void {
    this.hint.textContent = w("batch.hint");
    this.choose.textContent = w("batch.choose");
    this.onlyLabel.textContent = w("batch.try");
  }

  /** Let files be dropped anywhere on `target`; `begun` is called when one is. */
  listen(target: HTMLElement, begun: () => void): void {
    target.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.element.dataset["over"] = "";
    });
    target.addEventListener("dragleave", () => delete this.element.dataset["over"]);
    target.addEventListener("drop", (event) => {
      event.preventDefault();
      delete this.element.dataset["over"];
      const file = event.dataTransfer?.files[0];
      if (!file) return;
      begun();
      void this.send(file);
    });
  }

  private chosen(): void {
    const file = this.file.files?.[0];
    this.file.value = "";
    if (file) void this.send(file);
  }

  private async send(file: File): Promise<void> {
    this.sending?.abort();
    const sending = (this.sending = new AbortController());
    const began = performance.now();
    const tally: Tally = { done: 0, review: 0, wrong: 0 };
    this.begin();
    const lines: string[] = [];
    try {
      const type = TYPES[file.name.split(".").pop()?.toLowerCase() ?? ""] ?? "text/csv";
      // Rows of JSON are counted as they come; a table of commas is what people open afterwards.
      const headers = { "content-type": type, accept: "application/x-ndjson" };
      const response = await sent(`cases/batch${this.only.checked ? "?dry_run=true" : ""}`, { method: "POST", body: file, headers, signal: sending.signal });
      for await (const line of linesOf(response)) {
        lines.push(line);
        count(tally, line);
        this.progress.textContent = w("batch.sending", { ...tally });
      }
      this.end(w("batch.done", { ...tally, seconds: ((performance.now() - began) / 1000).toFixed(1) }), lines, file.name);
    } catch (error) {
      if (sending.signal.aborted) this.end(w("batch.stopped", { ...tally }), lines, file.name);
      else this.end(lines.length > 0 ? w("batch.broken", { ...tally }) : wordsOf(error), lines, file.name);
    }
  }

  private begin(): void {
    if (this.answer !== null) URL.revokeObjectURL(this.answer);
    this.bar.hidden = false;
    this.progress.textContent = "…";
    this.links.replaceChildren(el("button", { type: "button", class: "plain", id: "batch-stop", onclick: () => this.sending?.abort() }, w("batch.stop")));
  }

  private end(text: string, lines: readonly string[], name: string): void {
    this.bar.hidden = true;
    this.progress.textContent = text;
    this.links.replaceChildren();
    if (lines.length === 0) return;
    this.answer = URL.createObjectURL(new Blob([toTable(lines)], { type: "text/csv;charset=utf-8" }));
    this.links.append(el("a", { class: "plain", id: "batch-download", href: this.answer, download: `${name.replace(/\.\w+$/, "")}-answer.csv` }, w("batch.download")));
  }
}

async function* linesOf(response: Response): AsyncGenerator<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const part = await reader?.read();
    if (part === undefined || part.done) break;
    const lines = (rest + part.value).split("\n");
    rest = lines.pop() ?? "";
    yield* lines.filter((line) => line !== "");
  }
  if (rest.trim() !== "") yield rest;
}

/** Count one row of an answer. */
export function count(tally: Tally, line: string): void {
  const row = JSON.parse(line) as { error?: unknown; state?: string };
  tally.done += 1;
  if (row.error !== undefined) tally.wrong += 1;
  else if (row.state === "needs_review") tally.review += 1;
}

interface Row {
  row: number;
  key?: string | null;
  number?: string | null;
  state?: string;
  grid?: { code: string; name: string } | null;
  unit?: { code: string; name: string } | null;
  due_at?: string | null;
  position?: { lon: number; lat: number } | null;
  review?: { question: { zh: string } } | null;
  error?: { detail?: string };
}

const HEADINGS = ["row", "key", "case_number", "case_state", "case_lon", "case_lat", "grid_code", "grid_name", "unit_code", "unit_name", "due_at", "review", "error"];

/** The answer as a table with commas; with a mark of UTF-8, without which spreadsheets take Chinese for something else. */
export function toTable(lines: readonly string[]): string {
  const rows = lines.map((line) => {
    const one = JSON.parse(line) as Row;
    const cells = [one.row, one.key, one.number, one.state, one.position?.lon, one.position?.lat, one.grid?.code, one.grid?.name, one.unit?.code, one.unit?.name, one.due_at, one.review?.question.zh, one.error?.detail];
    return cells.map(cell).join(",");
  });
  return `\uFEFF${[HEADINGS.join(","), ...rows].join("\r\n")}\r\n`;
}

/** A cell of a table: quoted where it has to be; what spreadsheets would take for a formula is made a text. */
function cell(value: unknown): string {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = /^[=+@\t\r]|^-(?![\d.]+$)/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
