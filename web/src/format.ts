/** Numbers as people read them. */

import { type Key, t, translated } from "./i18n";

/** Metres as text: centimetres below 1 m, one decimal below 100 m, kilometres from 1 km. */
export function distance(metres: number): string {
  if (metres < 1) return `${metres.toFixed(2)} m`;
  if (metres < 100) return `${metres.toFixed(1)} m`;
  if (metres < 999.5) return `${metres.toFixed(0)} m`;
  return `${(metres / 1000).toFixed(metres < 9_995 ? 2 : 1)} km`;
}

/** One of eight directions in words for degrees clockwise from north. */
export function bearing(degrees: number): string {
  const step = ((Math.round(degrees / 45) % 8) + 8) % 8;
  return t(`bearing.${step}` as Key);
}

/** A pair of coordinates, for reading and for copying: 6 decimals of a degree (0.1 m), millimetres in metres. */
export function pair(first: number, second: number, projected: boolean): string {
  const digits = projected ? 3 : 6;
  return `${first.toFixed(digits)}, ${second.toFixed(digits)}`;
}

const UNITS: Readonly<Record<string, string>> = { _m: " m", _deg: "°", _m2: " m²" };

/** The value of a field of a layer as text in the current language, with its unit; null when there is nothing to show. */
export function fieldValue(name: string, value: unknown): string | null {
  if (value === null || value === undefined || value === "") return null;
  if (typeof value === "number") {
    const unit = Object.entries(UNITS).find(([suffix]) => name.endsWith(suffix))?.[1] ?? "";
    return `${Number(value.toFixed(2))}${unit}`;
  }
  if (name === "size" && /^[\d.]+$/.test(String(value))) return `${String(value)} mm`;
  return translated(`value.${String(value)}`, String(value));
}
