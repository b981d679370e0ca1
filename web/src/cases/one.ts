/** The page of a case: what was reported, what was decided and why, what became of it, and what may be done with it. */

import { el, icon, ICONS } from "../dom";
import { decisionFacts, question, reasons } from "./facts";
import { look, type WholeCase } from "./model";
import type { Actions, State } from "./state";
import { moment, said, w, wordOf } from "./words";

/** The page of the case that is open. */
export function casePage(state: State, actions: Actions): HTMLElement | null {
  const one = state.whole;
  if (one === null) return null;
  const kind = look(one, state.now);
  return el(
    "section",
    { class: "case", id: "case", tabindex: "-1", "aria-label": w("one.share", { number: one.number }) },
    el(
      "header",
      { class: "case-head" },
      el("h2", {}, one.category.text),
      el("span", { class: "chip", "data-look": kind }, w(`state.${kind}`)),
      el("button", { type: "button", class: "quiet", id: "shut", title: w("one.close"), "aria-label": w("one.close"), onclick: () => actions.shut() }, icon(ICONS.close)),
      el("code", {}, one.number),
    ),
    question(one),
    candidates(one, state, actions),
    decisionFacts(one, state.now),
    reportFacts(one),
    reasons(one),
    history(one),
    deeds(one, state, actions),
  );
}

function candidates(one: WholeCase, state: State, actions: Actions): HTMLElement | null {
  const places = one.review?.candidates ?? [];
  if (one.state !== "needs_review") return null;
  const offered = places.map((place, index) =>
    el(
      "li",
      {},
      el("button", { type: "button", class: "plain", id: `candidate-${index + 1}`, disabled: state.editor === null, onclick: () => actions.act("settle", { candidate: index }) }, el("kbd", {}, String(index + 1)), ` ${said(place.why)}`),
    ),
  );
  const here = state.clicked;
  const settle = here
    ? el("button", { type: "button", class: "plain", id: "settle-here", disabled: state.editor === null, onclick: () => actions.act("settle", { ...here, crs: "wgs84" }) }, w("act.settle.here"))
    : el("p", { class: "faint" }, w("act.settle.map"));
  return el("div", { class: "candidates" }, places.length > 0 && el("p", { class: "faint" }, w("review.hint")), el("ul", {}, ...offered), settle);
}

function reportFacts(one: WholeCase): HTMLElement {
  const facts: [string, string][] = [
    [w("address"), one.address],
    [w("description"), one.description],
    [w("source"), one.source],
    [w("reported"), moment(one.reported_at)],
  ];
  return el("dl", { class: "facts small" }, ...facts.filter(([, value]) => value !== "").flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

function history(one: WholeCase): HTMLElement {
  const entries = one.history.map(({ at, action, by, reason }) =>
    el("li", {}, el("time", { datetime: at }, moment(at)), " ", el("b", {}, wordOf(`act.${action}`, action)), by ? ` ${by}` : "", reason ? ` — ${reason}` : ""),
  );
  return el("details", { class: "fold", open: one.history.length > 1 }, el("summary", {}, w("history")), el("ol", { class: "history" }, ...entries));
}

/** What an editor may do with the case; who is none is told how to become one. */
function deeds(one: WholeCase, state: State, actions: Actions): HTMLElement {
  if (state.editor === null) return editorForm(actions);
  const unit = el("input", { id: "unit-code", autocomplete: "off", "aria-label": w("act.reassign.unit"), placeholder: w("act.reassign.unit") });
  const reason = el("input", { id: "reason", autocomplete: "off", "aria-label": w("act.reason"), placeholder: w("act.reason") });
  const problem = el("p", { class: "field-problem", role: "alert" });
  const deed = (action: string, needsReason: boolean, body: () => Record<string, unknown> = () => ({})): HTMLElement =>
    el("button", {
      type: "button", class: "plain", id: `do-${action}`, onclick: () => {
        problem.textContent = needsReason && reason.value.trim() === "" ? w("act.reason.need") : "";
        if (problem.textContent !== "") return reason.focus();
        actions.act(action, { ...body(), ...(reason.value.trim() === "" ? {} : { reason: reason.value.trim() }) });
      },
    }, wordOf(`act.${action}`, action));
  const isOpen = one.state === "assigned" || one.state === "needs_review";
  const buttons = isOpen ? [deed("reassign", true, () => ({ unit_code: unit.value.trim() })), deed("close", false), deed("void", true)] : [deed("reopen", true)];
  return el(
    "div",
    { class: "deeds" },
    el("p", { class: "faint" }, w("editor.as", { name: state.editor.name }), " ", el("button", { type: "button", class: "quiet", id: "forget", onclick: () => actions.enter(null) }, w("editor.forget"))),
    el("div", { class: "deed-fields" }, isOpen && unit, reason),
    el("div", { class: "deed-buttons" }, ...buttons),
    problem,
  );
}

function editorForm(actions: Actions): HTMLElement {
  const name = el("input", { id: "editor-name", autocomplete: "username", placeholder: w("editor.name"), "aria-label": w("editor.name") });
  const token = el("input", { id: "editor-token", type: "password", autocomplete: "current-password", placeholder: w("editor.token"), "aria-label": w("editor.token") });
  const enter = (event: Event): void => {
    event.preventDefault();
    if (name.value.trim() !== "" && token.value !== "") actions.enter({ name: name.value.trim(), token: token.value });
  };
  return el(
    "form",
    { class: "deeds", onsubmit: enter },
    el("p", { class: "faint" }, w("editor.need")),
    el("div", { class: "deed-fields" }, name, token, el("button", { type: "submit", class: "plain", id: "editor-keep" }, w("editor.keep"))),
  );
}
