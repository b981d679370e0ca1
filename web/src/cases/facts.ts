/** What was decided of a case, as a list of facts: for the preview of the form and for the page of a case. */

import { el } from "../dom";
import { distance } from "../format";
import { due } from "./list";
import type { AtHand } from "./map";
import { NOTHING_AT_HAND } from "./map";
import type { Cover, Place, Seen, WholeCase } from "./model";
import { moment, said, w, wordOf } from "./words";

const SEEING: ReadonlySet<string> = new Set(["sees", "probably_sees"]);
const MOST_CAMERAS = 6;

type Fact = [id: string, name: string, content: (Node | string)[]];

/** The facts that a person decides by: grid, unit, deadline, place, cover, cameras. */
export function decisionFacts(one: WholeCase, now: number): HTMLElement {
  const facts: Fact[] = [
    ["grid", w("grid"), one.grid ? [one.grid.name, " ", el("code", {}, one.grid.code)] : ["—"]],
    ["unit", w("unit"), one.unit ? [one.unit.name || one.unit.code] : ["—"]],
    ["due", w("due"), one.due_at ? [moment(one.due_at), " ", due(one.due_at, now), one.limit ? el("small", {}, ` ${said(one.limit.text)}`) : ""] : ["—"]],
    ["place", w("position"), one.position ? placeWords(one.position) : [w("nowhere")]],
    ...(one.component ? [["cover", w("cover"), [coverWords(one.component)]] satisfies Fact] : []),
    ["cameras", w("cameras"), cameraWords(seeing(one))],
  ];
  return el("dl", { class: "facts" }, ...facts.flatMap(([id, name, content]) => [el("dt", {}, name), el("dd", { "data-fact": id }, ...content)]));
}

/** The question that is open, if any. */
export function question(one: WholeCase): HTMLElement | null {
  return one.review ? el("p", { class: "question", role: "status" }, said(one.review.question)) : null;
}

export function reasons(one: WholeCase): HTMLElement {
  const steps = [...one.reasons, ...(one.unit?.steps ?? [])];
  return el("details", { class: "fold" }, el("summary", {}, w("reasons")), el("ul", { class: "reasons" }, ...steps.map((step) => el("li", {}, said(step)))));
}

/** What of a case goes on the map. */
export function atHand(one: WholeCase | null): AtHand {
  if (one === null) return NOTHING_AT_HAND;
  const covers = one.component?.candidates ?? [];
  return {
    place: one.position,
    candidates: one.review?.candidates ?? [],
    covers: covers.map(({ lon, lat, code }) => ({ lon, lat, chosen: code === one.component?.code })),
    cameras: seeing(one),
  };
}

function seeing({ cameras }: WholeCase): Seen[] {
  return cameras.filter(({ state }) => SEEING.has(state)).slice(0, MOST_CAMERAS);
}

function placeWords(place: Place): (Node | string)[] {
  const { reading } = place;
  const within = place.uncertainty_m === null ? "" : `, ${w("position.within", { metres: Math.round(place.uncertainty_m) })}`;
  const moved = reading && (reading.said !== reading.used || reading.swapped);
  const reread = moved ? el("p", { class: "reread" }, w("position.reread", { said: reading.said, used: reading.used, metres: Math.round(reading.moved_m) })) : "";
  return [`${wordOf(`position.${place.from}`, place.from)}${within}`, reread];
}

function coverWords(cover: Cover): string {
  if (cover.status === "unknown") return w("cover.unknown");
  const found = cover.candidates.find(({ code }) => code === cover.code);
  if (cover.code) return [found?.name ?? "", cover.code, found ? distance(found.distance_m) : ""].filter(Boolean).join(" · ");
  return cover.status === "ambiguous" ? w("cover.ambiguous", { count: cover.candidates.length }) : w("cover.none");
}

function cameraWords(cameras: readonly Seen[]): (Node | string)[] {
  if (cameras.length === 0) return [w("cameras.none")];
  return [el("ul", { class: "cameras" }, ...cameras.map((one) => el("li", {}, `${one.name || one.code} · ${wordOf(`sight.${one.state}`, one.state)} · ${distance(one.distance_m)}`)))];
}
