/** Boxes in degrees: west, south, east, north. */

export type Box = [number, number, number, number];

/** Return the box written as four numbers with commas; null for anything else. */
export function toBox(text: string): Box | null {
  const numbers = text.split(",").map(Number);
  return numbers.length === 4 && numbers.every(Number.isFinite) ? (numbers as Box) : null;
}

/** Return the corners of a box as a closed ring. */
export function frameOf([west, south, east, north]: Box): [number, number][] {
  return [[west, south], [east, south], [east, north], [west, north], [west, south]];
}

/** Return the box around everything that has a place; null when nothing has. */
export function around(data: GeoJSON.FeatureCollection | GeoJSON.Feature): Box | null {
  const box: Box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const feature of data.type === "FeatureCollection" ? data.features : [data]) widen(box, feature.geometry as GeoJSON.Geometry | null);
  return box[0] <= box[2] ? box : null;
}

function widen(box: Box, geometry: GeoJSON.Geometry | null): void {
  if (geometry === null) return;
  if (geometry.type === "GeometryCollection") for (const part of geometry.geometries) widen(box, part);
  else visit(box, geometry.coordinates);
}

function visit(box: Box, coordinates: GeoJSON.Position | GeoJSON.Position[] | GeoJSON.Position[][] | GeoJSON.Position[][][]): void {
  const [first, second] = coordinates;
  if (typeof first === "number" && typeof second === "number") {
    box[0] = Math.min(box[0], first);
    box[1] = Math.min(box[1], second);
    box[2] = Math.max(box[2], first);
    box[3] = Math.max(box[3], second);
  } else for (const part of coordinates as GeoJSON.Position[]) visit(box, part);
}
