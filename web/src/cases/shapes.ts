/** Shapes on the ground as GeoJSON: circles of uncertainty, what cameras look at, hexagons. Small ones, so that a plane will do. */

import type { Feature, FeatureCollection, Polygon, Position } from "geojson";
import { cellToBoundary, latLngToCell } from "h3-js";

const METRES_PER_DEGREE = 111_320;
const STEP_DEG = 6;

/** The place so many metres from another, `bearing` degrees clockwise from north. */
function beyond(lon: number, lat: number, metres: number, bearing: number): Position {
  const angle = (bearing * Math.PI) / 180;
  const east = (Math.sin(angle) * metres) / (METRES_PER_DEGREE * Math.cos((lat * Math.PI) / 180));
  return [lon + east, lat + (Math.cos(angle) * metres) / METRES_PER_DEGREE];
}

function polygon(ring: readonly Position[], properties: Record<string, unknown>): Feature<Polygon> {
  return { type: "Feature", geometry: { type: "Polygon", coordinates: [[...ring, ring[0] as Position]] }, properties };
}

/** A circle of `metres` around a place. */
export function circle(lon: number, lat: number, metres: number, properties: Record<string, unknown>): Feature<Polygon> {
  const ring = Array.from({ length: 360 / STEP_DEG }, (_, step) => beyond(lon, lat, metres, step * STEP_DEG));
  return polygon(ring, properties);
}

/** What a camera looks at: a sector of `width` degrees around `azimuth`, or a circle when it turns or its direction is unknown. */
export function sector(lon: number, lat: number, metres: number, azimuth: number | null, width: number, properties: Record<string, unknown>): Feature<Polygon> {
  if (azimuth === null || width >= 360) return circle(lon, lat, metres, properties);
  const steps = Math.max(2, Math.ceil(width / STEP_DEG));
  const arc = Array.from({ length: steps + 1 }, (_, step) => beyond(lon, lat, metres, azimuth - width / 2 + (width * step) / steps));
  return polygon([[lon, lat], ...arc], properties);
}

/** Hexagons of an H3 resolution with how many of the places lie in each, and which share of the most that is. */
export function hexagons(places: Iterable<{ lon: number; lat: number }>, resolution: number): FeatureCollection<Polygon> {
  const counts = new Map<string, number>();
  for (const { lon, lat } of places) {
    const cell = latLngToCell(lat, lon, resolution);
    counts.set(cell, (counts.get(cell) ?? 0) + 1);
  }
  const most = Math.max(1, ...counts.values());
  const ring = (cell: string): Position[] => cellToBoundary(cell, true).slice(0, -1) as Position[];
  const features = [...counts].map(([cell, count]) => polygon(ring(cell), { cell, count, share: count / most }));
  return { type: "FeatureCollection", features };
}
