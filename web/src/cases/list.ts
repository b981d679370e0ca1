/** The cases of the day as a list, with filters; and those that wait for a person. */

import { el } from "../dom";
import { type Case, CASE_STATES, type Filters, look, reviewQueue, shown, untilDue } from "./model";
import type { Actions, State } from "./state";
import { clock, said, w } from "./words";

/** The filters keep what was typed when the list is built anew. */
export class FilterBar {
  readonly element: HTMLElement;
  private readonly words = el("input", { id: "words", type: "search", autocomplete: "off", spellcheck: "false", oninput: () => this.changed() });
  private readonly state = el("select", { id: "state", onchange: () => this.changed() });
  private readonly street = el("select", { id: "street", onchange: () => this.changed() });

  constructor(private readonly actions: Actions) {
    this.element = el("div", { class: "filters" }, this.words, this.state, this.street);
  }

  focus(): void {
    this.words.focus();
    this.words.select();
  }

  /** Put the words of the language and the streets of the cases into the filters. */
  render({ filters, cases }: State): void {
    this.words.placeholder = w("filter.words");
    this.words.setAttribute("aria-label", w("filter.words"));
    this.state.setAttribute("aria-label", w("filter.state"));
    this.street.setAttribute("aria-label", w("filter.street"));
    const states: [string, string][] = [["", w("filter.all")], ["open", w("filter.open")], ["overdue", w("state.overdue")], ...CASE_STATES.map((one): [string, string] => [one, w(`state.${one}`)])];
    const streets = new Map([...cases.values()].flatMap(({ street }) => (street ? [[street.code, street.name] as const] : [])));
    choices(this.state, states, filters.state);
    choices(this.street, [["", w("filter.street")], ...[...streets].sort()], filters.street);
  }

  private changed(): void {
    this.actions.filter({ words: this.words.value, state: this.state.value as Filters["state"], street: this.street.value });
  }
}

function choices(select: HTMLSelectElement, options: readonly (readonly [string, string])[], chosen: string): void {
  select.replaceChildren(...options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
}

/** The cases that the filters let through. */
export function caseList(state: State, actions: Actions): HTMLElement {
  const found = shown(state.cases.values(), state.filters, state.now);
  const rows = found.slice(0, state.rows).map((one) => row(one, state, actions));
  const rest = found.length - rows.length;
  return el(
    "div",
    { class: "list" },
    el("p", { class: "count faint" }, w("list.count", { shown: found.length, all: state.cases.size })),
    found.length === 0 && !state.isLoading && el("p", { class: "none" }, state.cases.size === 0 ? w("day.none") : w("list.none")),
    state.cases.size === 0 && state.latest !== null && latest(state.latest, actions),
    el("ul", { class: "rows", role: "listbox", "aria-label": w("tab.list") }, ...rows),
    rest > 0 && el("button", { type: "button", class: "quiet more", id: "more", onclick: () => actions.more() }, w("list.more", { count: Math.min(rest, 200) })),
  );
}

function latest(day: string, actions: Actions): HTMLElement {
  return el("button", { type: "button", class: "plain", id: "latest", onclick: () => actions.day(day) }, w("day.latest", { day }));
}

/** Those that wait for a person, the longest first, each with its question. */
export function reviewList(state: State, actions: Actions): HTMLElement {
  const queue = reviewQueue(state.cases.values());
  if (queue.length === 0) return el("p", { class: "none" }, w("review.none"));
  return el("ul", { class: "rows", role: "listbox", "aria-label": w("tab.review") }, ...queue.map((one) => row(one, state, actions, true)));
}

function row(one: Case, state: State, actions: Actions, withQuestion = false): HTMLElement {
  const kind = look(one, state.now);
  const place = one.address || one.grid?.name || w("nowhere");
  return el(
    "li",
    {},
    el(
      "button",
      { type: "button", class: "row", id: `case-${one.number}`, role: "option", "data-look": kind, "aria-selected": String(one.number === state.chosen), onclick: () => actions.open(one.number) },
      el("span", { class: "row-top" }, el("b", {}, one.category.text), el("span", { class: "chip", "data-look": kind }, w(`state.${kind}`)), el("time", { datetime: one.reported_at }, clock(one.reported_at))),
      el("span", { class: "row-place" }, place),
      withQuestion && one.review ? el("span", { class: "row-question" }, said(one.review.question)) : el("span", { class: "row-unit faint" }, one.unit?.name ?? "", one.due_at && kind !== "closed" && kind !== "void" ? due(one.due_at, state.now) : null),
    ),
  );
}

/** How long a deadline is off, in words. */
export function due(due_at: string, now: number): HTMLElement {
  const { hours, minutes, isOver } = untilDue(due_at, now);
  return el("span", { class: isOver ? "late" : "left" }, w(isOver ? "due.over" : "due.left", { hours, minutes }));
}
