/** The whole map as one style document: the server's, and over it what is the console's own. */

import type { LayerSpecification, SourceSpecification, StyleSpecification } from "maplibre-gl";

import { PALETTES, type Theme } from "./palette";
import type { ServedStyle, TileJsons } from "./served";
import { highlights, overlay } from "./style-answer";
import { views } from "./style-views";

export const LAYER_IDS = [
  "quality_issues",
  "cameras",
  "manhole_covers",
  "places",
  "addresses",
  "buildings",
  "roads",
  "grids",
  "communities",
  "streets",
  "districts",
] as const;
export type LayerId = (typeof LAYER_IDS)[number];

/** Layers that are shown only when the reader switches them on. */
export const OFF_AT_FIRST: ReadonlySet<LayerId> = new Set(["quality_issues"]);

/** Drawn only when the reader wants buildings with their heights. */
const SOLID = "buildings/solid";

export interface StyleOptions {
  served: ServedStyle;
  tiles: TileJsons;
  theme: Theme;
  hidden: ReadonlySet<LayerId>;
  solid: boolean;
}

/** Build the style; pure, so that switching theme, language or layers is a comparison of two documents. */
export function makeStyle(options: StyleOptions): StyleSpecification {
  const { served, tiles } = options;
  return {
    ...served,
    sources: { ...resolved(served, tiles), overlay: { type: "geojson", data: { type: "FeatureCollection", features: [] } } },
    layers: withOwn(options).map((layer) => withVisibility(layer, options)),
  };
}

/** The style layers that belong to each layer of the catalogue, found by the beginning of their ids. */
export function owner(styleLayerId: string): LayerId | null {
  const id = styleLayerId.split("/")[0] as LayerId;
  return LAYER_IDS.includes(id) ? id : null;
}

/** The sources with what their TileJSON says, which is known already: MapLibre need not ask for it again. */
function resolved(served: ServedStyle, tiles: TileJsons): Record<string, SourceSpecification> {
  return Object.fromEntries(
    Object.entries(served.sources).map(([name, source]) => {
      const json = tiles[name];
      if (source.type !== "vector" || json === undefined) return [name, source];
      const { url: _url, bounds = json.bounds, ...rest } = source;
      return [name, { ...rest, tiles: json.tiles, minzoom: json.minzoom, maxzoom: json.maxzoom, bounds }];
    }),
  );
}

/** Sectors lie beneath the buildings, what is chosen above the borders, the answer over everything. */
function withOwn({ served, tiles, theme }: StyleOptions): LayerSpecification[] {
  const palette = PALETTES[theme];
  const { halo } = served.metadata["gisgrid:colours"];
  const sources = new Set(Object.keys(served.sources));
  const own = (layers: LayerSpecification[]): LayerSpecification[] => layers.filter((layer) => !("source" in layer) || sources.has(layer.source));
  const beneath = insert(served.layers, "buildings/area", own(views(middle(tiles))));
  return [...insert(beneath, SOLID, own(highlights(palette, halo))), ...overlay(palette, halo)];
}

/** `layers` with `more` before the one called `id`, or after all of them. */
function insert(layers: readonly LayerSpecification[], id: string, more: readonly LayerSpecification[]): LayerSpecification[] {
  const found = layers.findIndex((layer) => layer.id === id);
  const place = found < 0 ? layers.length : found;
  return [...layers.slice(0, place), ...more, ...layers.slice(place)];
}

function middle(tiles: TileJsons): number {
  const bounds = tiles["areas"]?.bounds;
  return bounds ? (bounds[1] + bounds[3]) / 2 : 0;
}

/** What the server hides at first may be shown here, and the other way round. */
function withVisibility(layer: LayerSpecification, { hidden, solid }: StyleOptions): LayerSpecification {
  const id = owner(layer.id);
  if (id === null) return layer;
  const visibility = hidden.has(id) || (layer.id === SOLID && !solid) ? "none" : "visible";
  return { ...layer, layout: { ...("layout" in layer ? layer.layout : {}), visibility } } as LayerSpecification;
}
