/** The address after `#`: which part of the map is shown and which point was asked for. */

import { type CrsId, isCrs } from "./crs";

export interface Camera {
  zoom: number;
  lat: number;
  lon: number;
}

/** A point as it was asked for: lon, lat in degrees, or x, y (east, north) in metres when `crs` is projected. */
export interface Query {
  first: number;
  second: number;
  crs: CrsId;
}

export interface HashState {
  map: Camera | null;
  point: Query | null;
}

/** Read `#map=zoom/lat/lon&point=first,second,crs`; whatever is missing or malformed is null. */
export function parseHash(hash: string): HashState {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  return { map: parseCamera(parameters.get("map")), point: parseQuery(parameters.get("point")) };
}

/** Write what `parseHash` reads, slashes, commas and colons left legible. */
export function formatHash(state: HashState): string {
  const parts: string[] = [];
  if (state.map) parts.push(`map=${trim(state.map.zoom, 2)}/${state.map.lat.toFixed(5)}/${state.map.lon.toFixed(5)}`);
  if (state.point) parts.push(`point=${state.point.first},${state.point.second},${state.point.crs}`);
  return parts.length > 0 ? `#${parts.join("&")}` : "";
}

function parseCamera(text: string | null): Camera | null {
  const numbers = (text ?? "").split("/").map(toNumber);
  if (numbers.length !== 3) return null;
  const [zoom, lat, lon] = numbers as [number, number, number];
  const sound = zoom >= 0 && zoom <= 24 && Math.abs(lat) <= 90 && Math.abs(lon) <= 180;
  return sound ? { zoom, lat, lon } : null;
}

function parseQuery(text: string | null): Query | null {
  const [first, second, crs, ...rest] = (text ?? "").split(",");
  if (first === undefined || second === undefined || crs === undefined || rest.length > 0 || !isCrs(crs)) return null;
  const query = { first: toNumber(first), second: toNumber(second), crs };
  return Number.isFinite(query.first) && Number.isFinite(query.second) ? query : null;
}

/** A number written plainly; NaN for anything else, the empty string included. */
export function toNumber(text: string): number {
  return /^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(text.trim()) ? Number(text) : Number.NaN;
}

function trim(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}
