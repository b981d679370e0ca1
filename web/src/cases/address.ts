/** The address after `#`: which day is shown, which case is open, and whether it is the wall. */

export interface Address {
  day: string | null;
  number: string | null;
  isWall: boolean;
}

/** Read `#wall&day=2026-11-22&case=20261122-000001`; whatever is missing or malformed is null. */
export function parseAddress(hash: string): Address {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  const day = parameters.get("day");
  return { day: day !== null && /^\d{4}-\d{2}-\d{2}$/.test(day) ? day : null, number: parameters.get("case"), isWall: parameters.has("wall") };
}

/** Write what `parseAddress` reads. */
export function formatAddress({ day, number, isWall }: Address): string {
  const parts = [isWall ? "wall" : "", day === null ? "" : `day=${day}`, number === null ? "" : `case=${encodeURIComponent(number)}`].filter(Boolean);
  return parts.length > 0 ? `#${parts.join("&")}` : "";
}

/** The day after another. */
export function dayAfter(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}

/** The day that a moment belongs to in a time zone. */
export function dayIn(zone: string, moment: number): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(moment);
}
