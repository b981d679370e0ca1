/** The wall view: the day in numbers that are read from five metres away, where cases lie, and what is late. */

import { el } from "../dom";
import { due } from "./list";
import { COLOURS } from "./map";
import { type Case, isOpen, isOverdue, overdueList, type Share, shares } from "./model";
import type { State } from "./state";
import { w } from "./words";

const MOST_SHARES = 5;
const MOST_LATE = 5;

/** The wall for a state; the map is an element of its own and stays. */
export function wallParts(state: State): { numbers: HTMLElement; side: HTMLElement; late: HTMLElement } {
  const cases = [...state.cases.values()].filter((one) => one.state !== "void");
  const count = (passes: (one: Case) => boolean): number => cases.filter(passes).length;
  const number = (word: Parameters<typeof w>[0], value: number, look: string): HTMLElement =>
    el("div", { class: "number", "data-look": look }, el("b", {}, value.toLocaleString("en-US").replaceAll(",", "\u2009")), el("span", {}, w(word)));
  const numbers = el(
    "div",
    { class: "numbers" },
    number("wall.today", cases.length, "all"),
    number("wall.open", count(isOpen), "assigned"),
    number("wall.review", count((one) => one.state === "needs_review"), "needs_review"),
    number("wall.overdue", count((one) => isOverdue(one, state.now)), "overdue"),
    number("wall.closed", count((one) => one.state === "closed"), "closed"),
  );
  const side = el(
    "div",
    { class: "bars-side" },
    bars(w("wall.street"), shares(cases, (one) => one.street?.name ?? w("wall.nowhere"))),
    bars(w("wall.category"), shares(cases, (one) => one.category.text)),
  );
  return { numbers, side, late: late(cases, state.now) };
}

function bars(title: string, found: readonly Share[]): HTMLElement {
  const most = Math.max(1, ...found.map(({ count }) => count));
  const rows = found.slice(0, MOST_SHARES).map(({ name, count }) =>
    el("li", {}, el("span", { class: "bar-name" }, name), el("meter", { min: 0, max: most, value: count, "aria-hidden": "true" }), el("b", {}, String(count))),
  );
  return el("section", { class: "bars" }, el("h2", {}, title), el("ol", {}, ...rows));
}

function late(cases: readonly Case[], now: number): HTMLElement {
  const found = overdueList(cases, now).slice(0, MOST_LATE);
  const rows = found.map((one) =>
    el("li", { style: `border-color: ${COLOURS.overdue}` }, el("b", {}, one.category.text), el("span", { class: "late-place" }, one.address || (one.grid?.name ?? w("nowhere"))), el("span", { class: "late-unit" }, one.unit?.name ?? ""), one.due_at ? due(one.due_at, now) : null),
  );
  return el("section", { class: "wall-late" }, el("h2", {}, w("wall.late")), rows.length === 0 ? el("p", {}, w("wall.late.none")) : el("ol", {}, ...rows));
}
