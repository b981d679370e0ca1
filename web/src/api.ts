/** The HTTP interface, as far as the console uses it. */

import { type CrsId, isProjected } from "./crs";
import type { Query } from "./hash";

export type Level = "district" | "street" | "community" | "grid";
export type PointLayer = "cameras" | "manhole_covers";
export type Properties = Readonly<Record<string, unknown>>;

export interface Area {
  code: string;
  name: string;
}

export interface Candidate extends Area {
  distance_m: number;
}

export interface Neighbour {
  id: number;
  code: string;
  lon: number;
  lat: number;
  distance_m: number;
  bearing_deg: number;
  properties: Properties;
}

export interface Answer {
  point: { lon: number; lat: number };
  status: "inside" | "edge" | "outside";
  grid: Area | null;
  community: Area | null;
  street: Area | null;
  district: Area | null;
  distance_to_edge_m: number | null;
  on_edge: boolean;
  candidates: Candidate[];
  nearest: Candidate | null;
  responsible_unit: (Area & { level: Level }) | null;
  data_version: number;
  database: "up" | "down";
  cameras: Neighbour[];
  manhole_covers: Neighbour[];
  building: Properties | null;
}

export interface Nearest {
  features: Neighbour[];
  data_version: number;
  database: "up" | "down";
}

export interface VectorLayer {
  id: string;
  minzoom?: number;
}

export interface TileJson {
  name?: string;
  tiles: string[];
  minzoom: number;
  maxzoom: number;
  bounds: [number, number, number, number];
  center?: [number, number, number];
  vector_layers: VectorLayer[];
}

/** What a refused or failed request says about itself (RFC 9457); `status` 0 means that no answer came at all. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly parameter: string | null = null,
    readonly expected: string | null = null,
    readonly reference: string | null = null,
  ) {
    super(detail);
    this.name = "Problem";
  }
}

/** Everything that is known about a point. Raises Problem. */
export async function locate(query: Query, signal: AbortSignal): Promise<Answer> {
  const parameters = pointParameters(query);
  parameters.set("include", "cameras,manhole_covers,building");
  return getJson<Answer>(`locate?${readable(parameters)}`, signal);
}

/** The `k` features of `layer` nearest to a point, at most `radius` metres away. Raises Problem. */
export async function nearest(layer: PointLayer, query: Query, k: number, radius: number, signal: AbortSignal): Promise<Nearest> {
  const parameters = pointParameters(query);
  parameters.set("k", String(k));
  parameters.set("radius_m", String(radius));
  return getJson<Nearest>(`${layer}/nearest?${readable(parameters)}`, signal);
}

/** Where tiles are, and what they cover; `url` is the address of their TileJSON. Raises Problem. */
export async function tileJson(url: string, signal: AbortSignal): Promise<TileJson> {
  return getJson<TileJson>(url, signal);
}

function pointParameters(query: Query): URLSearchParams {
  const [first, second] = coordinateNames(query.crs);
  return new URLSearchParams({ [first]: String(query.first), [second]: String(query.second), crs: query.crs });
}

/** The names of the two coordinates in `crs`. */
export function coordinateNames(crs: CrsId): ["x", "y"] | ["lon", "lat"] {
  return isProjected(crs) ? ["x", "y"] : ["lon", "lat"];
}

/** Commas and colons need no escape in a query, and the address is easier to read without. */
function readable(parameters: URLSearchParams): string {
  return parameters.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
}

/** The JSON document at an address, which may be relative. Raises Problem. */
export async function getJson<T>(path: string, signal: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, { signal, headers: { accept: "application/json" } });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Problem(0, "");
  }
  if (!response.ok) throw await readProblem(response);
  return (await response.json()) as T;
}

async function readProblem(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null);
  return toProblem(response.status, response.statusText, body);
}

/** Make a Problem of an error's body, which may be anything when a proxy wrote it. */
export function toProblem(status: number, statusText: string, body: unknown): Problem {
  const said = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const text = (name: string): string | null => (typeof said[name] === "string" && said[name] !== "" ? said[name] : null);
  return new Problem(status, text("detail") ?? text("title") ?? `${status} ${statusText}`.trim(), text("parameter"), text("expected"), text("reference"));
}
