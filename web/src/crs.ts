/** The coordinate systems that a typed point may be in. */

export const CRS_IDS = ["wgs84", "cgcs2000", "gcj02", "bd09", "EPSG:4549", "EPSG:4528"] as const;
export type CrsId = (typeof CRS_IDS)[number];

export function isCrs(text: string): text is CrsId {
  return (CRS_IDS as readonly string[]).includes(text);
}

/** Whether its coordinates are x (east) and y (north) in metres rather than degrees. */
export function isProjected(crs: CrsId): boolean {
  return crs.startsWith("EPSG:");
}

/** Two numbers out of pasted text such as "120.38, 36.08" or "(120.38 36.08)"; null when it is not a pair. */
export function splitPair(text: string): [string, string] | null {
  const match = /^[\s(\[（]*([+-]?[\d.]+)[\s°]*[,，;；\s/]\s*([+-]?[\d.]+)[\s°)\]）]*$/.exec(text);
  return match ? [match[1] as string, match[2] as string] : null;
}
