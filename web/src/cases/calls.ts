/** The HTTP interface of cases and addresses, as far as the screen uses it; docs/cases.md and docs/geocoding.md tell all of it. */

import { getJson, Problem, toProblem } from "../api";
import type { CrsId } from "../crs";
import type { Case, Entry, WholeCase } from "./model";

const PAGE = 1000;
/** More cases of a day than this are not loaded: the list would no longer be one that a person reads. */
const MOST = 20_000;

/** What a report holds; empty texts and missing numbers are left out when it is sent. */
export interface Report {
  source: string;
  category: string;
  description: string;
  address: string;
  lon: number | null;
  lat: number | null;
  crs: CrsId;
  accuracy_m: number | null;
  component_code: string;
  reporter: { name: string; phone: string };
}

export interface Geocoded {
  lon: number;
  lat: number;
  level: string;
  uncertainty_m: number;
  confidence: number;
  address: string;
}

export interface Geocoding {
  best: Geocoded | null;
  alternatives: Geocoded[];
}

export interface Editor {
  name: string;
  token: string;
}

/** All cases that were reported from `since` until `until` (days of the city), page by page as they come. Raises Problem. */
export async function* casesOf(since: string, until: string, signal: AbortSignal): AsyncGenerator<Case[]> {
  let cursor: string | null = null;
  for (let count = 0; count < MOST; count += PAGE) {
    const parameters = new URLSearchParams({ since, until, limit: String(PAGE), state: "assigned,needs_review,closed,void" });
    if (cursor !== null) parameters.set("cursor", cursor);
    const page: { cases: Case[]; next?: string | null } = await getJson(`cases?${parameters}`, signal);
    yield page.cases;
    const next = page.next ?? null;
    if (next === null) return;
    cursor = new URL(next, document.baseURI).searchParams.get("cursor") ?? next;
  }
}

/** The newest case of all; null when there is none. Raises Problem. */
export async function newestCase(signal: AbortSignal): Promise<Case | null> {
  const page = await getJson<{ cases: Case[] }>("cases?limit=1", signal);
  return page.cases[0] ?? null;
}

/** One case, with its reasons and history. Raises Problem. */
export function wholeCase(number: string, signal: AbortSignal): Promise<WholeCase> {
  return getJson<WholeCase>(`cases/${encodeURIComponent(number)}`, signal);
}

/** What would be decided of a report; nothing is kept. Raises Problem. */
export function decided(report: Report, signal: AbortSignal): Promise<WholeCase> {
  return sendJson<WholeCase>("cases?dry_run=true", written(report), {}, signal);
}

/** Hand a report in; the same `key` never makes two cases. Raises Problem. */
export function reported(report: Report, key: string, signal: AbortSignal): Promise<WholeCase> {
  return sendJson<WholeCase>("cases", written(report), { "idempotency-key": key }, signal);
}

/** Settle, reassign, close, void or reopen a case, as long as it is the version that was seen. Raises Problem. */
export function acted(one: Case, action: string, body: Record<string, unknown>, editor: Editor, signal: AbortSignal): Promise<WholeCase> {
  const headers = { "if-match": `"${one.version}"`, authorization: authorization(editor) };
  return sendJson<WholeCase>(`cases/${encodeURIComponent(one.number)}/${action}`, body, headers, signal);
}

/** The places that an address may mean. Raises Problem. */
export function geocoded(address: string, signal: AbortSignal): Promise<Geocoding> {
  return getJson<Geocoding>(`geocode?${new URLSearchParams({ q: address })}`, signal);
}

/** What somebody who types may go on with. Raises Problem. */
export async function suggested(text: string, signal: AbortSignal): Promise<string[]> {
  const found = await getJson<{ suggestions: { text: string }[] }>(`suggest?${new URLSearchParams({ q: text, limit: "8" })}`, signal);
  return found.suggestions.map((one) => one.text);
}

/** Listen to what happens with cases; the browser comes back by itself and is told what it missed. */
export function follow(happened: (one: Case, entry: Entry) => void, connected: (is: boolean) => void): EventSource {
  const stream = new EventSource("cases/stream");
  for (const action of ["receive", "settle", "reassign", "close", "void", "reopen"])
    stream.addEventListener(action, (event) => {
      const told = JSON.parse((event as MessageEvent<string>).data) as Entry & { case: Case };
      happened(told.case, told);
    });
  stream.addEventListener("open", () => connected(true));
  stream.addEventListener("error", () => connected(false));
  return stream;
}

/** A report without what was not said. */
export function written(report: Report): Record<string, unknown> {
  const { lon, lat, crs, accuracy_m, reporter, ...texts } = report;
  const said = (values: Record<string, string>): Record<string, unknown> =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.trim()] as const).filter(([, value]) => value !== ""));
  const place = lon === null || lat === null ? {} : { lon, lat, crs, ...(accuracy_m === null ? {} : { accuracy_m }) };
  const who = said(reporter);
  return { ...said(texts), ...place, ...(Object.keys(who).length > 0 ? { reporter: who } : {}) };
}

/** HTTP Basic in UTF-8, as RFC 7617 has it: the name of an editor may be in Chinese. */
export function authorization({ name, token }: Editor): string {
  const bytes = new TextEncoder().encode(`${name}:${token}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

async function sendJson<T>(path: string, body: unknown, headers: Record<string, string>, signal: AbortSignal): Promise<T> {
  const response = await sent(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers }, signal });
  return (await response.json()) as T;
}

/** Send a request; raises Problem when it is refused or no answer comes. */
export async function sent(path: string, request: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, request);
  } catch (error) {
    if (request.signal?.aborted) throw error;
    throw new Problem(0, "");
  }
  if (response.ok) return response;
  throw toProblem(response.status, response.statusText, await response.json().catch(() => null));
}
