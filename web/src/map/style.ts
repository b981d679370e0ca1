/** The whole map as one style document: what is drawn, from which zoom, in which colours. */

import type { ExpressionSpecification, LayerSpecification, SourceSpecification, StyleSpecification, VectorSourceSpecification } from "maplibre-gl";

import type { TileJson } from "../api";
import type { Language } from "../i18n";
import { BUILDING_USES, OTHER_USE, PALETTES, type Palette, type Theme } from "./palette";
import { byZoom, NOTHING } from "./style-common";
import { issues } from "./style-issues";
import { labels, overlay } from "./style-names";
import { cameras, covers, views } from "./style-objects";

export const LAYER_IDS = ["quality_issues", "cameras", "manhole_covers", "buildings", "grids", "communities", "streets", "districts"] as const;
export type LayerId = (typeof LAYER_IDS)[number];

/** Layers that are shown only when the reader switches them on. */
export const OFF_AT_FIRST: ReadonlySet<LayerId> = new Set(["quality_issues"]);

/** One source per group, so that a layer which is not shown is not fetched either. */
export const SOURCES: Readonly<Record<string, readonly LayerId[]>> = {
  areas: ["districts", "streets", "communities", "grids"],
  buildings: ["buildings"],
  manhole_covers: ["manhole_covers"],
  cameras: ["cameras"],
  quality_issues: ["quality_issues"],
};

export type TileJsons = Readonly<Record<string, TileJson>>;

export interface StyleOptions {
  tiles: TileJsons;
  theme: Theme;
  language: Language;
  hidden: ReadonlySet<LayerId>;
  solid: boolean;
}

/** Build the style; pure, so that switching theme, language or layers is a comparison of two documents. */
export function makeStyle(options: StyleOptions): StyleSpecification {
  const palette = PALETTES[options.theme];
  return {
    version: 8,
    name: "gisgrid console",
    sources: { ...vectorSources(options.tiles), labels: emptySource(), overlay: emptySource() },
    light: { anchor: "viewport", color: "#ffffff", intensity: 0.3 },
    transition: { duration: 150, delay: 0 },
    layers: layers(options, palette),
  };
}

/** The style layers that belong to each layer of the catalogue, found by the beginning of their ids. */
export function owner(styleLayerId: string): LayerId | null {
  const id = styleLayerId.split("/")[0] as LayerId;
  return LAYER_IDS.includes(id) ? id : null;
}

function emptySource(): SourceSpecification {
  return { type: "geojson", data: { type: "FeatureCollection", features: [] } };
}

function vectorSources(tiles: TileJsons): Record<string, SourceSpecification> {
  return Object.fromEntries(
    Object.entries(tiles).map(([name, json]) => [
      name,
      { type: "vector", tiles: json.tiles.map(absolute), minzoom: json.minzoom, maxzoom: json.maxzoom, ...limits(name, json) },
    ]),
  );
}

/** Issues come and go, and may be anywhere: where they lay when the page was opened is no limit to where they are. */
function limits(source: string, { bounds }: TileJson): Pick<VectorSourceSpecification, "bounds"> {
  return source === "quality_issues" ? {} : { bounds };
}

/** MapLibre's workers have no page to take a relative address from. */
function absolute(template: string): string {
  return /^https?:/.test(template) ? template : location.origin + (template.startsWith("/") ? "" : location.pathname) + template;
}

function layers(options: StyleOptions, palette: Palette): LayerSpecification[] {
  const all = [
    ...ground(palette),
    ...views(),
    ...buildings(palette, options),
    ...borders(palette),
    ...highlights(palette),
    solidBuildings(options.theme),
    ...covers(palette, options.language),
    ...cameras(palette),
    ...labels(palette),
    ...issues(palette),
    ...overlay(palette),
  ];
  return all.map((layer) => withVisibility(layer, options));
}

function withVisibility(layer: LayerSpecification, options: StyleOptions): LayerSpecification {
  const id = owner(layer.id);
  const hidden = (id !== null && options.hidden.has(id)) || (layer.id === "buildings/solid" && !options.solid);
  return hidden ? ({ ...layer, layout: { ...("layout" in layer ? layer.layout : {}), visibility: "none" } } as LayerSpecification) : layer;
}

function ground(palette: Palette): LayerSpecification[] {
  const tint = ["%", ["to-number", ["slice", ["get", "code"], -3], 0], palette.streetTints.length] as unknown as ExpressionSpecification;
  const choices = palette.streetTints.slice(1).flatMap((color, index) => [index + 1, color]);
  const areas = { source: "areas", type: "fill" } as const;
  return [
    { id: "background", type: "background", paint: { "background-color": palette.outside } },
    {
      id: "districts/glow",
      source: "areas",
      "source-layer": "districts",
      type: "line",
      layout: { "line-join": "round" },
      paint: { "line-color": palette.glow, "line-width": byZoom(9, 6, 14, 26), "line-blur": byZoom(9, 4, 14, 20), "line-opacity": 0.8 },
    },
    { ...areas, id: "districts/land", "source-layer": "districts", paint: { "fill-color": palette.land } },
    {
      ...areas,
      id: "streets/tint",
      "source-layer": "streets",
      paint: {
        "fill-color": ["match", tint, ...choices, palette.streetTints[0]] as unknown as ExpressionSpecification,
        "fill-opacity": byZoom(11, 1, 15, 0.55),
        "fill-antialias": false,
      },
    },
    // Invisible, for finding the grid under the pointer where only its border is drawn.
    { ...areas, id: "grids/area", "source-layer": "grids", paint: { "fill-color": palette.land, "fill-opacity": 0 } },
  ];
}

function borders(palette: Palette): LayerSpecification[] {
  const line = { source: "areas", type: "line", layout: { "line-join": "round", "line-cap": "round" } } as const;
  return [
    {
      ...line,
      id: "grids/border",
      "source-layer": "grids",
      minzoom: 12,
      paint: { "line-color": palette.gridBorder, "line-width": byZoom(12, 0.4, 15, 1.1, 18, 2), "line-opacity": byZoom(12, 0.25, 13, 0.8) },
    },
    {
      ...line,
      id: "communities/border",
      "source-layer": "communities",
      layout: { "line-join": "round" },
      paint: {
        "line-color": palette.communityBorder,
        "line-width": byZoom(10, 0.4, 13, 1.2, 17, 2.6),
        "line-dasharray": [3, 2],
        "line-opacity": byZoom(10, 0.5, 13, 0.9),
      },
    },
    {
      ...line,
      id: "streets/casing",
      "source-layer": "streets",
      paint: { "line-color": palette.halo, "line-width": byZoom(8, 1.5, 13, 4.5, 17, 8), "line-opacity": 0.7 },
    },
    {
      ...line,
      id: "streets/border",
      "source-layer": "streets",
      paint: { "line-color": palette.streetBorder, "line-width": byZoom(8, 0.5, 13, 1.8, 17, 3.2), "line-opacity": 0.9 },
    },
    {
      ...line,
      id: "districts/border",
      "source-layer": "districts",
      paint: { "line-color": palette.districtBorder, "line-width": byZoom(4, 1, 11, 2.2, 16, 4) },
    },
  ];
}

/** Layers whose filters the view sets to the codes of the grids and the building of the answer. */
function highlights(palette: Palette): LayerSpecification[] {
  const grid = { source: "areas", "source-layer": "grids", filter: NOTHING } as const;
  return [
    { ...grid, id: "selected/candidate-fill", type: "fill", paint: { "fill-color": palette.candidate, "fill-opacity": 0.1 } },
    { ...grid, id: "selected/fill", type: "fill", paint: { "fill-color": palette.selected, "fill-opacity": byZoom(11, 0.3, 15, 0.08) } },
    {
      ...grid,
      id: "selected/candidate",
      type: "line",
      layout: { "line-join": "round" },
      paint: { "line-color": palette.candidate, "line-width": byZoom(11, 1.5, 17, 3), "line-dasharray": [2, 1.5] },
    },
    {
      ...grid,
      id: "selected/casing",
      type: "line",
      layout: { "line-join": "round" },
      paint: { "line-color": palette.halo, "line-width": byZoom(11, 3, 17, 8), "line-opacity": 0.85 },
    },
    {
      ...grid,
      id: "selected/border",
      type: "line",
      layout: { "line-join": "round" },
      paint: { "line-color": palette.selected, "line-width": byZoom(11, 1.6, 17, 3.6) },
    },
    {
      id: "selected/building",
      source: "buildings",
      "source-layer": "buildings",
      type: "line",
      minzoom: 15,
      filter: NOTHING,
      paint: { "line-color": palette.selected, "line-width": 2 },
    },
  ];
}

function buildings(palette: Palette, options: StyleOptions): LayerSpecification[] {
  const source = { source: "buildings", "source-layer": "buildings" } as const;
  const flat = options.solid ? byZoom(14, 0.85, 15, 0.4) : byZoom(14, 0.85, 15, 1);
  return [
    { ...source, id: "buildings/area", type: "fill", minzoom: 14, paint: { "fill-color": buildingColor(options.theme), "fill-opacity": flat } },
    {
      ...source,
      id: "buildings/border",
      type: "line",
      minzoom: 15,
      paint: { "line-color": palette.buildingBorder, "line-width": byZoom(15, 0.3, 18, 1), "line-opacity": byZoom(15, 0, 16, 0.8) },
    },
  ];
}

/** Buildings with their heights, above what lies on the ground and below what must be found among them. */
function solidBuildings(theme: Theme): LayerSpecification {
  return {
    id: "buildings/solid",
    source: "buildings",
    "source-layer": "buildings",
    type: "fill-extrusion",
    minzoom: 14.5,
    paint: { "fill-extrusion-color": buildingColor(theme), "fill-extrusion-height": HEIGHT, "fill-extrusion-opacity": 0.85 },
  };
}

/** Height in metres, guessed from the floors where it is not known. */
const HEIGHT: ExpressionSpecification = ["coalesce", ["get", "height_m"], ["*", ["coalesce", ["get", "floors"], 2], 3]];

function buildingColor(theme: Theme): ExpressionSpecification {
  return ["interpolate", ["linear"], HEIGHT, 6, useColor(theme, 0), 90, useColor(theme, 1)] as unknown as ExpressionSpecification;
}

function useColor(theme: Theme, end: 0 | 1): ExpressionSpecification {
  const cases = BUILDING_USES.flatMap((use) => [use.values, use[theme][end]]);
  return ["match", ["coalesce", ["get", "use"], ""], ...cases, OTHER_USE[theme][end]] as unknown as ExpressionSpecification;
}
