/** Cases as the server tells of them, and what the screen makes of many: which are shown, in which order, how many of which kind. */

import type { Area } from "../api";

export type CaseState = "assigned" | "needs_review" | "closed" | "void";
export const CASE_STATES: readonly CaseState[] = ["needs_review", "assigned", "closed", "void"];

/** A text for people in both languages. */
export interface Said {
  zh: string;
  en: string;
}

export interface Unit extends Area {
  steps?: readonly Said[];
}

export interface Place {
  lon: number;
  lat: number;
  from: string;
  uncertainty_m: number | null;
  reading?: { said: string; used: string; swapped: boolean; moved_m: number } | null;
}

export interface Candidate {
  lon: number;
  lat: number;
  from: string;
  why: Said;
}

export interface Review {
  kind: string;
  question: Said;
  candidates?: readonly Candidate[];
  grids?: readonly Area[];
}

/** A case as lists have it. */
export interface Case {
  number: string;
  version: number;
  state: CaseState;
  source: string;
  kind: "component" | "event";
  category: { text: string; name: string | null; class_code: string | null };
  description: string;
  address: string;
  reported_at: string;
  position: Place | null;
  grid: Area | null;
  street: Area | null;
  unit: Unit | null;
  limit: { text: Said } | null;
  due_at: string | null;
  is_overdue: boolean;
  review: Review | null;
}

export interface Seen extends Area {
  lon: number;
  lat: number;
  state: string;
  distance_m: number;
  azimuth_deg: number | null;
  field_of_view_deg: number | null;
  range_m: number | null;
}

export interface Cover {
  status: string;
  code: string | null;
  candidates: readonly { code: string; lon: number; lat: number; distance_m: number; score: number; name: string | null }[];
}

export interface Entry {
  id: number;
  at: string;
  action: string;
  by: string | null;
  reason: string;
}

/** A case as its own page has it; a decision that is not kept has no number and no history. */
export interface WholeCase extends Case {
  community: Area | null;
  district: Area | null;
  component: Cover | null;
  cameras: readonly Seen[];
  reasons: readonly Said[];
  geocoding: { normal: string; best: { address: string; confidence: number; level: string } | null } | null;
  history: readonly Entry[];
}

export interface Filters {
  words: string;
  state: CaseState | "open" | "overdue" | "";
  street: string;
}

export const NO_FILTERS: Filters = { words: "", state: "", street: "" };

/** Whether a case that is not done is late at a moment (milliseconds): what the server said may have been true only then. */
export function isOverdue(one: Case, now: number): boolean {
  return isOpen(one) && one.due_at !== null && Date.parse(one.due_at) < now;
}

export function isOpen(one: Case): boolean {
  return one.state === "assigned" || one.state === "needs_review";
}

/** Which colour a case has: that of its state, or of being late. */
export function look(one: Case, now: number): CaseState | "overdue" {
  return one.state === "assigned" && isOverdue(one, now) ? "overdue" : one.state;
}

/** The cases with `more` among them: of two versions of one the newer counts. */
export function merged(known: ReadonlyMap<string, Case>, more: Iterable<Case>): Map<string, Case> {
  const cases = new Map(known);
  for (const one of more) if ((cases.get(one.number)?.version ?? 0) <= one.version) cases.set(one.number, one);
  return cases;
}

/** What of the cases the filters let through, the newest first. */
export function shown(cases: Iterable<Case>, filters: Filters, now: number): Case[] {
  const words = filters.words.toLowerCase().split(/\s+/).filter(Boolean);
  const passes = (one: Case): boolean => {
    if (filters.street !== "" && one.street?.code !== filters.street) return false;
    if (!hasState(one, filters.state, now)) return false;
    const text = [one.number, one.category.text, one.description, one.address, one.unit?.name ?? "", one.grid?.name ?? ""].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  };
  return [...cases].filter(passes).sort(newestFirst);
}

function hasState(one: Case, state: Filters["state"], now: number): boolean {
  if (state === "") return one.state !== "void";
  if (state === "open") return isOpen(one);
  return state === "overdue" ? isOverdue(one, now) : one.state === state;
}

function newestFirst(one: Case, other: Case): number {
  return other.reported_at.localeCompare(one.reported_at) || other.number.localeCompare(one.number);
}

/** Those that wait for a person, the longest first. */
export function reviewQueue(cases: Iterable<Case>): Case[] {
  return [...cases].filter((one) => one.state === "needs_review").sort((one, other) => newestFirst(other, one));
}

/** Those that are late, the latest first. */
export function overdueList(cases: Iterable<Case>, now: number): Case[] {
  return [...cases].filter((one) => isOverdue(one, now)).sort((one, other) => String(one.due_at).localeCompare(String(other.due_at)));
}

export interface Share {
  name: string;
  count: number;
}

/** How many cases have each value of `of`, the most first. */
export function shares(cases: Iterable<Case>, of: (one: Case) => string): Share[] {
  const counts = new Map<string, number>();
  for (const one of cases) counts.set(of(one), (counts.get(of(one)) ?? 0) + 1);
  return [...counts].map(([name, count]) => ({ name, count })).sort((one, other) => other.count - one.count || one.name.localeCompare(other.name));
}

/** How far a deadline is off: hours and minutes, negative when it is over. */
export function untilDue(due_at: string, now: number): { hours: number; minutes: number; isOver: boolean } {
  const minutes = Math.round(Math.abs(Date.parse(due_at) - now) / 60_000);
  return { hours: Math.floor(minutes / 60), minutes: minutes % 60, isOver: Date.parse(due_at) < now };
}
