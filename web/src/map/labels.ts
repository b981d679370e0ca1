/** Where the names of areas stand: one point per area, worked out from the few tiles that hold the whole data set. */

import { VectorTile, type VectorTileFeature } from "@mapbox/vector-tile";
import type { FeatureCollection, Point } from "geojson";
import { PbfReader } from "pbf";

import type { TileJson } from "../api";
import { labelPoint, type Ring, signedArea } from "./geometry";

/** Above this many tiles the data set is too wide for names to be prepared at that zoom: fewer, coarser tiles then. */
const MOST_TILES = 24;

/** Shapes are a few metres off at this zoom, which does not matter to a name. */
const ZOOM = 12;

/** `short` is the name as far as a map needs it, `number` the shortest form, for where there is room for digits only. */
export interface Label {
  layer: string;
  code: string;
  name: string;
  short: string;
  number: string;
}

interface Best extends Label {
  size: number;
  lon: number;
  lat: number;
}

/** Fetch the tiles of `json` that cover its bounds and return a point with a name for each area in them. */
export async function loadLabels(json: TileJson, signal: AbortSignal): Promise<FeatureCollection<Point, Label>> {
  const best = new Map<string, Best>();
  const template = json.tiles[0] ?? "";
  await Promise.all(
    coveringTiles(json.bounds, Math.min(ZOOM, json.maxzoom)).map(async ([z, x, y]) => {
      const address = template.replace("{z}", String(z)).replace("{x}", String(x)).replace("{y}", String(y));
      const response = await fetch(address, { signal });
      if (!response.ok) throw new Error(`${response.status} ${address}`);
      collect(new VectorTile(new PbfReader(await response.arrayBuffer())), z, x, y, best);
    }),
  );
  return {
    type: "FeatureCollection",
    features: [...best.values()].map(({ size: _size, lon, lat, ...properties }) => ({
      type: "Feature",
      geometry: { type: "Point", coordinates: [lon, lat] },
      properties,
    })),
  };
}

/** The tiles (z, x, y) that cover `bounds` (west, south, east, north) at `zoom`, or at the next coarser one that needs few enough. */
export function coveringTiles(bounds: readonly [number, number, number, number], zoom: number): [number, number, number][] {
  const [west, south, east, north] = bounds;
  for (let z = zoom; z >= 0; z--) {
    const [left, top] = tileOf(west, north, z);
    const [right, bottom] = tileOf(east, south, z);
    if ((right - left + 1) * (bottom - top + 1) > MOST_TILES) continue;
    const tiles: [number, number, number][] = [];
    for (let x = left; x <= right; x++) for (let y = top; y <= bottom; y++) tiles.push([z, x, y]);
    return tiles;
  }
  return [];
}

function tileOf(lon: number, lat: number, z: number): [number, number] {
  const count = 2 ** z;
  const phi = (Math.max(-85.05, Math.min(85.05, lat)) * Math.PI) / 180;
  const clamp = (value: number): number => Math.max(0, Math.min(count - 1, Math.floor(value)));
  return [clamp(((lon + 180) / 360) * count), clamp(((1 - Math.asinh(Math.tan(phi)) / Math.PI) / 2) * count)];
}

function collect(tile: VectorTile, z: number, x: number, y: number, best: Map<string, Best>): void {
  for (const [layer, content] of Object.entries(tile.layers)) {
    for (let index = 0; index < content.length; index++) consider(layer, content.feature(index), z, x, y, best);
  }
}

/** Keep the part of an area that is largest over all tiles: an area that tiles cut in two gets one name. */
function consider(layer: string, feature: VectorTileFeature, z: number, x: number, y: number, best: Map<string, Best>): void {
  const rings: Ring[] = feature.loadGeometry().map((ring) => ring.map((point) => [point.x, point.y] as const));
  const outer = rings.reduce<Ring | null>((widest, ring) => (widest === null || signedArea(ring) > signedArea(widest) ? ring : widest), null);
  if (outer === null) return;
  const code = String(feature.properties["code"] ?? "");
  const key = `${layer}/${code}`;
  const size = signedArea(outer);
  if ((best.get(key)?.size ?? 0) >= size) return;
  const [px, py] = labelPoint(outer);
  const count = 2 ** z;
  const name = String(feature.properties["name"] ?? code);
  best.set(key, {
    layer,
    code,
    name,
    short: shortName(name),
    number: /(\d+)\D*$/.exec(name)?.[1] ?? code.slice(-3),
    size,
    lon: ((x + px / feature.extent) / count) * 360 - 180,
    lat: (Math.atan(Math.sinh(Math.PI * (1 - (2 * (y + py / feature.extent)) / count))) * 180) / Math.PI,
  });
}

/** A name without what the map shows anyway: 科技街社区居委会 is 科技街社区, and a grid's street and community stand around it. */
export function shortName(name: string): string {
  const grid = /第?\d+号?网格$/.exec(name)?.[0];
  return grid ?? (name.replace(/(居民|村民)?委员会$|居委会$|村委会$/, "") || name);
}
