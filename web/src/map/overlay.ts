/** The answer as features: the point that was asked for, the objects nearest to it, lines between. */

import type { Feature, FeatureCollection } from "geojson";

import type { Answer, Neighbour, PointLayer } from "../api";
import { distance } from "../format";

/** An object of an answer, by its layer and code. */
export interface Chosen {
  layer: PointLayer;
  code: string;
}

export const POINT_LAYERS: readonly PointLayer[] = ["manhole_covers", "cameras"];

/** Features for the map's overlay; `chosen` is the object that the reader looks at, drawn stronger. */
export function overlayFeatures(answer: Answer | null, chosen: Chosen | null): FeatureCollection {
  if (answer === null) return { type: "FeatureCollection", features: [] };
  const from: [number, number] = [answer.point.lon, answer.point.lat];
  const features = POINT_LAYERS.flatMap((layer) =>
    answer[layer].flatMap((neighbour) => linked(layer, neighbour, from, chosen?.layer === layer && chosen.code === neighbour.code)),
  );
  const pin: Feature = { type: "Feature", geometry: { type: "Point", coordinates: from }, properties: { role: "pin" } };
  return { type: "FeatureCollection", features: [...features, pin] };
}

function linked(layer: PointLayer, neighbour: Neighbour, from: [number, number], chosen: boolean): Feature[] {
  const to: [number, number] = [neighbour.lon, neighbour.lat];
  return [
    { type: "Feature", geometry: { type: "LineString", coordinates: [from, to] }, properties: { role: "link", layer, chosen } },
    {
      type: "Feature",
      geometry: { type: "Point", coordinates: to },
      properties: { role: "target", layer, chosen, text: distance(neighbour.distance_m) },
    },
  ];
}
