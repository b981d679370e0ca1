/** The answer to "what is at this point?", or why there is none. */

import type { Answer, Area, Candidate, Neighbour, PointLayer, Problem, Properties } from "../api";
import type { Actions, State } from "../app";
import { isProjected } from "../crs";
import { el, icon, ICONS } from "../dom";
import { bearing, distance, fieldValue, pair } from "../format";
import type { Query } from "../hash";
import { type Key, t, translated } from "../i18n";
import { copyButton } from "./copy";

/** Build the card for the state's outcome; null when there is nothing to say. */
export function answerCard(state: State, actions: Actions): HTMLElement | null {
  const { outcome } = state;
  if (outcome.kind === "none") return null;
  if (outcome.kind === "waiting") return el("section", { class: "card waiting", "aria-busy": true }, el("p", {}, t("answer.waiting")));
  if (outcome.kind === "problem") return problemCard(outcome.problem, outcome.query, actions);
  return answered(outcome.query, outcome.answer, state, actions);
}

function answered(query: Query, answer: Answer, state: State, actions: Actions): HTMLElement {
  return el(
    "section",
    { class: "card answer", "aria-label": t(`status.${answer.status}`), "data-status": answer.status },
    heading(answer, actions),
    doubt(answer),
    areas(answer),
    building(answer.building),
    neighbours("manhole_covers", answer.manhole_covers, state, actions),
    neighbours("cameras", answer.cameras, state, actions),
    coordinates(query, answer),
  );
}

function heading(answer: Answer, actions: Actions): HTMLElement {
  return el(
    "header",
    { class: "answer-head" },
    el("span", { class: `chip ${answer.status}` }, t(`status.${answer.status}`)),
    el("button", { type: "button", class: "quiet", title: t("answer.clear"), "aria-label": t("answer.clear"), onclick: () => actions.clear() }, icon(ICONS.close)),
    el("h2", { class: "grid-name" }, answer.grid?.name ?? t("status.outside")),
    answer.grid && el("p", { class: "code" }, el("code", { class: "grid-code" }, answer.grid.code), copyButton(answer.grid.code)),
  );
}

/** Said loudly whenever another grid than the one given may be the true one. */
function doubt(answer: Answer): HTMLElement | null {
  if (answer.candidates.length < 2 && !(answer.grid === null && answer.candidates.length > 0)) return null;
  const why: Key = answer.grid === null ? "answer.doubt.outside" : answer.on_edge ? "answer.doubt.edge" : "answer.doubt.near";
  return el(
    "div",
    { class: "doubt", role: "note" },
    icon(ICONS.warning),
    el("strong", {}, t("answer.doubt.title")),
    el("p", {}, t(why)),
    el("ul", {}, ...answer.candidates.map((candidate) => candidateItem(candidate, candidate.code === answer.grid?.code))),
  );
}

function candidateItem(candidate: Candidate, chosen: boolean): HTMLElement {
  return el(
    "li",
    {},
    el("span", {}, candidate.name, " ", el("code", {}, candidate.code)),
    el("span", { class: "measure" }, chosen ? t("answer.chosen") : distance(candidate.distance_m)),
  );
}

function areas(answer: Answer): HTMLElement {
  const edge = answer.status === "outside" ? t("answer.edge.outside") : t("answer.edge");
  return el(
    "dl",
    { class: "facts" },
    ...(["community", "street", "district"] as const).flatMap((level) => fact(t(`answer.${level}`), area(answer[level]), level)),
    ...(answer.grid === null ? fact(t("answer.nearest"), area(answer.nearest), "nearest") : []),
    ...fact(t("answer.unit"), unit(answer), "unit"),
    ...fact(edge, answer.distance_to_edge_m === null ? null : el("span", {}, distance(answer.distance_to_edge_m)), "edge"),
  );
}

function fact(label: string, value: HTMLElement | null, name: string): HTMLElement[] {
  return value ? [el("dt", {}, label), el("dd", { "data-fact": name }, value)] : [];
}

function area(value: Area | null): HTMLElement | null {
  return value && el("span", {}, value.name, " ", el("code", {}, value.code));
}

function unit({ responsible_unit: found, grid }: Answer): HTMLElement | null {
  if (!found) return grid && el("span", { class: "faint" }, t("answer.unit.none"));
  const level = t("answer.unit.level", { level: t(`answer.${found.level}`).toLowerCase() });
  return el("span", {}, el("strong", {}, found.name), " ", el("span", { class: "faint" }, level));
}

/** The most telling fields of a building first; the rest is in its details. */
function building(properties: Properties | null): HTMLElement {
  if (!properties) return el("p", { class: "faint building" }, t("answer.building.none"));
  const title = [properties["address"], properties["name"]].find((value) => typeof value === "string" && value !== "");
  const brief = (["use", "floors", "height_m"] as const).flatMap((name) => {
    const value = fieldValue(name, properties[name]);
    return value === null ? [] : [name === "floors" ? t("answer.floors", { count: value }) : value];
  });
  return el(
    "div",
    { class: "building" },
    el("h3", {}, t("answer.building")),
    el("p", {}, el("strong", {}, String(title ?? properties["code"] ?? "")), " ", el("span", { class: "faint" }, brief.join(" · "))),
    details(properties),
  );
}

function neighbours(layer: PointLayer, found: readonly Neighbour[], state: State, actions: Actions): HTMLElement {
  const title = t(layer === "cameras" ? "answer.cameras" : "answer.covers");
  return el(
    "div",
    { class: `neighbours ${layer}` },
    el("h3", {}, title),
    found.length === 0
      ? el("p", { class: "faint" }, t("answer.none"))
      : el("ol", {}, ...found.map((neighbour) => neighbourItem(layer, neighbour, state, actions))),
    found.length > 0 &&
      found.length < 10 &&
      el("button", { type: "button", class: "link", id: `more-${layer}`, "aria-label": `${t("answer.more")}: ${title}`, onclick: () => actions.more(layer) }, t("answer.more")),
  );
}

function neighbourItem(layer: PointLayer, neighbour: Neighbour, state: State, actions: Actions): HTMLElement {
  const chosen = state.chosen?.layer === layer && state.chosen.code === neighbour.code;
  const { properties } = neighbour;
  const name = neighbourName(layer, properties) || neighbour.code;
  return el(
    "li",
    {},
    el(
      "button",
      {
        type: "button",
        class: "neighbour",
        id: `near-${layer}-${neighbour.code}`,
        "aria-pressed": String(chosen),
        "aria-label": `${t("answer.fly", { name })}, ${distance(neighbour.distance_m)} ${bearing(neighbour.bearing_deg)}`,
        onclick: () => actions.choose({ layer, code: neighbour.code }, neighbour.lon, neighbour.lat),
      },
      arrow(neighbour.bearing_deg),
      el("span", { class: "name" }, name, el("small", {}, summary(layer, neighbour))),
      el("span", { class: "measure" }, distance(neighbour.distance_m), el("small", {}, bearing(neighbour.bearing_deg))),
    ),
    chosen && details(properties),
  );
}

function neighbourName(layer: PointLayer, properties: Properties): string {
  return String(properties["name"] ?? "") || (layer === "cameras" ? (fieldValue("kind", properties["kind"]) ?? "") : "");
}

function summary(layer: PointLayer, { code, properties }: Neighbour): string {
  const words = layer === "cameras" ? ["kind", "status"] : ["state"];
  return [...words.map((name) => fieldValue(name, properties[name])), code].filter((word) => word !== null).join(" · ");
}

/** A needle that points from the place to the object, north up. */
function arrow(degrees: number): SVGSVGElement {
  const needle = icon("M10 2.500 14.500 16 10 13.200 5.500 16z");
  needle.classList.add("needle");
  needle.style.transform = `rotate(${degrees}deg)`;
  return needle;
}

function details(properties: Properties): HTMLElement {
  const rows = Object.entries(properties).flatMap(([name, value]) => {
    const text = fieldValue(name, value);
    return text === null ? [] : [el("dt", {}, translated(`field.${name}`, name)), el("dd", {}, text)];
  });
  return el("details", {}, el("summary", {}, t("answer.details")), el("dl", { class: "facts small" }, ...rows));
}

function coordinates(query: Query, answer: Answer): HTMLElement {
  const wgs84 = pair(answer.point.lon, answer.point.lat, false);
  const typed = pair(query.first, query.second, isProjected(query.crs));
  const row = (label: string, text: string, name: string): HTMLElement[] => [
    el("dt", {}, label),
    el("dd", { "data-fact": name }, el("code", {}, text), copyButton(text)),
  ];
  return el(
    "footer",
    { class: "answer-foot" },
    el(
      "dl",
      { class: "facts" },
      ...row("WGS 84", wgs84, "wgs84"),
      ...(query.crs === "wgs84" ? [] : row(query.crs.toUpperCase(), typed, "typed")),
    ),
    el("p", { class: "faint version" }, t("answer.version", { version: answer.data_version })),
  );
}

function problemCard(problem: Problem, query: Query | null, actions: Actions): HTMLElement {
  const rows = [
    ...(problem.parameter ? [el("dt", {}, t("error.parameter")), el("dd", {}, el("code", {}, problem.parameter))] : []),
    ...(problem.expected ? [el("dt", {}, t("error.expected")), el("dd", {}, problem.expected)] : []),
    ...(problem.reference ? [el("dt", {}, t("error.reference")), el("dd", {}, el("code", {}, problem.reference))] : []),
  ];
  return el(
    "section",
    { class: "card problem", role: "alert" },
    el("h2", {}, icon(ICONS.warning), t(problemTitle(problem.status))),
    el("p", {}, problem.detail || t("error.network.detail")),
    rows.length > 0 && el("dl", { class: "facts" }, ...rows),
    query && problem.status !== 400 && el("button", { type: "button", onclick: () => actions.ask(query) }, t("error.retry")),
  );
}

/** The heading for an HTTP status; 0 stands for no answer at all. */
export function problemTitle(status: number): Key {
  if (status === 0) return "error.network";
  if (status === 404) return "error.missing";
  if (status === 503) return "error.unavailable";
  return status >= 500 ? "error.server" : "error.request";
}
