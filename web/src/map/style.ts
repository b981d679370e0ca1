/** The whole map as one style document: what is drawn, from which zoom, in which colours. */

import type { ExpressionSpecification, LayerSpecification, SourceSpecification, StyleSpecification } from "maplibre-gl";

import type { TileJson } from "../api";
import type { Language } from "../i18n";
import { SECTOR_RADIUS, SECTOR_STEP_DEG } from "./images";
import { BUILDING_USES, COVER_KINDS, OTHER_COVER, OTHER_USE, PALETTES, type Palette, type Theme } from "./palette";

export const LAYER_IDS = ["cameras", "manhole_covers", "buildings", "grids", "communities", "streets", "districts"] as const;
export type LayerId = (typeof LAYER_IDS)[number];

/** One source per group, so that a layer which is not shown is not fetched either. */
export const SOURCES: Readonly<Record<string, readonly LayerId[]>> = {
  areas: ["districts", "streets", "communities", "grids"],
  buildings: ["buildings"],
  manhole_covers: ["manhole_covers"],
  cameras: ["cameras"],
};

export type TileJsons = Readonly<Record<string, TileJson>>;

export interface StyleOptions {
  tiles: TileJsons;
  theme: Theme;
  language: Language;
  hidden: ReadonlySet<LayerId>;
  solid: boolean;
}

/**
 * Families that the reader's own machine has, best first: with no `glyphs` address MapLibre draws every sign itself.
 * It takes the weight from words in the first name, which therefore is no font's name.
 */
const FAMILIES = ["PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei"];
const REGULAR = ["Map Regular", ...FAMILIES];
const BOLD = ["Map Semibold", ...FAMILIES];

const NOTHING: ExpressionSpecification = ["==", ["get", "code"], ""];

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
      { type: "vector", tiles: json.tiles.map(absolute), minzoom: json.minzoom, maxzoom: json.maxzoom, bounds: json.bounds },
    ]),
  );
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
    ...overlay(palette),
  ];
  return all.map((layer) => withVisibility(layer, options));
}

function withVisibility(layer: LayerSpecification, options: StyleOptions): LayerSpecification {
  const id = owner(layer.id);
  const hidden = (id !== null && options.hidden.has(id)) || (layer.id === "buildings/solid" && !options.solid);
  return hidden ? ({ ...layer, layout: { ...("layout" in layer ? layer.layout : {}), visibility: "none" } } as LayerSpecification) : layer;
}

/** `value` at each zoom, in straight lines between. */
function byZoom(...stops: (number | ExpressionSpecification)[]): ExpressionSpecification {
  return ["interpolate", ["linear"], ["zoom"], ...stops] as unknown as ExpressionSpecification;
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

/**
 * The views of cameras to scale: the image's radius is the range on the ground at every zoom. All cameras that look one way
 * have a pale one; those of the answer a strong one, with a wider, fainter sector where the direction is not exactly known,
 * and a circle for those that turn or whose direction is unknown.
 */
function views(): LayerSpecification[] {
  const fov: ExpressionSpecification = ["coalesce", ["get", "field_of_view_deg"], 0];
  const doubt: ExpressionSpecification = ["coalesce", ["get", "azimuth_uncertainty_deg"], 0];
  return [
    sectors("cameras/view", fov, byZoom(15, 0.1, 16.5, 0.3, 18, 0.55), ["has", "azimuth_deg"]),
    sectors("selected/doubt", ["case", [">=", doubt, SECTOR_STEP_DEG / 2], ["+", fov, ["*", 2, doubt]], 0], byZoom(15, 0.35, 18, 0.45), NOTHING),
    sectors("selected/view", ["case", ["has", "azimuth_deg"], fov, [">", fov, 0], 360, 0], byZoom(15, 0.9, 18, 1), NOTHING),
  ];
}

/** Sectors of `degrees`, none where that is 0. */
function sectors(id: string, degrees: ExpressionSpecification, opacity: ExpressionSpecification, filter: ExpressionSpecification): LayerSpecification {
  const step = ["*", SECTOR_STEP_DEG, ["max", 1, ["round", ["/", ["min", degrees, 360], SECTOR_STEP_DEG]]]];
  const image = ["concat", "sector/", ["to-string", step], "/", ["coalesce", ["get", "status"], ""]];
  return {
    id,
    source: "cameras",
    "source-layer": "cameras",
    type: "symbol",
    minzoom: 15,
    filter,
    layout: {
      "icon-image": ["case", [">", degrees, 0], image, ""] as unknown as ExpressionSpecification,
      "icon-size": sectorSize(),
      "icon-rotate": ["coalesce", ["get", "azimuth_deg"], 0],
      "icon-rotation-alignment": "map",
      "icon-pitch-alignment": "map",
      "icon-allow-overlap": true,
      "icon-ignore-placement": true,
    },
    paint: { "icon-opacity": opacity },
  };
}

/** Pixels per metre double with each zoom; in Web Mercator they also grow with latitude, taken in the middle of the data. */
function sectorSize(): ExpressionSpecification {
  const scale = (zoom: number): ExpressionSpecification => {
    const pixelsPerMetre = (512 * 2 ** zoom) / (2 * Math.PI * 6378137) / latitudeScale.cosine;
    return ["*", ["coalesce", ["get", "range_m"], 0], pixelsPerMetre / SECTOR_RADIUS];
  };
  return ["interpolate", ["exponential", 2], ["zoom"], 14, scale(14), 22, scale(22)];
}

/** The cosine of the latitude in the middle of the data, set once when its bounds are known. */
export const latitudeScale = { cosine: 1 };

function covers(palette: Palette, language: Language): LayerSpecification[] {
  const source = { source: "manhole_covers", "source-layer": "manhole_covers" } as const;
  const sound: ExpressionSpecification = ["match", ["coalesce", ["get", "state"], "intact"], ["intact", "unknown"], true, false];
  const cases = COVER_KINDS.flatMap((kind) => [kind.names, kind.color]);
  const signs = COVER_KINDS.flatMap((kind) => [kind.names, kind[language]]);
  const name: ExpressionSpecification = ["coalesce", ["get", "name"], ""];
  return [
    {
      ...source,
      id: "manhole_covers/dot",
      type: "circle",
      minzoom: 14,
      layout: { "circle-sort-key": ["case", sound, 0, 1] },
      paint: {
        "circle-color": ["match", name, ...cases, OTHER_COVER.color] as unknown as ExpressionSpecification,
        "circle-radius": byZoom(14, 1.3, 15, 2, 16, 3.4, 17, 6.5, 18, 9, 20, 13),
        "circle-stroke-color": ["case", sound, palette.coverRing, palette.coverDamaged],
        "circle-stroke-width": byZoom(14, 0, 15, ["case", sound, 0.4, 1.4], 17, ["case", sound, 1.2, 2.6]),
      },
    },
    {
      ...source,
      id: "manhole_covers/sign",
      type: "symbol",
      minzoom: 17,
      layout: {
        "text-field": ["match", name, ...signs, OTHER_COVER[language]] as unknown as ExpressionSpecification,
        "text-font": BOLD,
        "text-size": byZoom(17, 8.5, 18, 11, 20, 16),
        "text-allow-overlap": true,
        "text-ignore-placement": true,
      },
      paint: { "text-color": palette.coverSign },
    },
  ];
}

function cameras(palette: Palette): LayerSpecification[] {
  const source = { source: "cameras", "source-layer": "cameras" } as const;
  const status: ExpressionSpecification = ["match", ["get", "status"], "online", palette.online, "fault", palette.fault, palette.offline];
  return [
    {
      ...source,
      id: "cameras/dot",
      type: "circle",
      minzoom: 14,
      maxzoom: 16,
      paint: {
        "circle-color": status,
        "circle-radius": byZoom(14, 1.3, 16, 3.4),
        "circle-stroke-color": palette.coverRing,
        "circle-stroke-width": byZoom(14, 0, 15.5, 0.8),
      },
    },
    {
      ...source,
      id: "cameras/body",
      type: "symbol",
      minzoom: 16,
      layout: {
        "icon-image": ["concat", "camera/", ["coalesce", ["get", "kind"], "dome"], "/", ["coalesce", ["get", "status"], "offline"]],
        "icon-size": byZoom(16, 0.7, 18, 1.1),
        "icon-rotate": ["coalesce", ["get", "azimuth_deg"], 0],
        "icon-rotation-alignment": "map",
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
      },
    },
  ];
}

/** Names stand at points worked out once for the whole district, so that no name is written twice where tiles meet. */
function labels(palette: Palette): LayerSpecification[] {
  const of = (level: string): ExpressionSpecification => ["==", ["get", "layer"], level];
  const source = { source: "labels", type: "symbol" } as const;
  const halo = { "text-halo-color": palette.halo, "text-halo-width": 1.6, "text-halo-blur": 0.4 };
  return [
    {
      ...source,
      id: "grids/label",
      minzoom: 13.3,
      filter: of("grids"),
      layout: {
        "text-field": ["step", ["zoom"], ["get", "number"], 15.2, ["get", "short"]],
        "text-font": REGULAR,
        "text-size": byZoom(13, 9, 15, 11, 18, 14),
        "text-padding": 1,
        "text-max-width": 9,
      },
      paint: { ...halo, "text-color": palette.gridLabel },
    },
    {
      ...source,
      id: "communities/label",
      minzoom: 12.6,
      maxzoom: 17,
      filter: of("communities"),
      layout: { "text-field": ["get", "short"], "text-font": REGULAR, "text-size": byZoom(12.5, 10.5, 16, 16), "text-max-width": 8, "text-padding": 4 },
      paint: { ...halo, "text-color": palette.communityLabel },
    },
    {
      ...source,
      id: "streets/label",
      minzoom: 10.3,
      maxzoom: 15.5,
      filter: of("streets"),
      layout: {
        "text-field": ["get", "name"],
        "text-font": BOLD,
        "text-size": byZoom(10, 9, 11.5, 11.5, 13, 15, 15, 20),
        "text-letter-spacing": 0.08,
        "text-max-width": 6,
        "text-padding": 0,
      },
      paint: { ...halo, "text-halo-width": 2, "text-color": palette.streetLabel },
    },
    {
      ...source,
      id: "districts/label",
      maxzoom: 10.3,
      filter: of("districts"),
      layout: { "text-field": ["get", "name"], "text-font": BOLD, "text-size": byZoom(4, 11, 10, 18), "text-letter-spacing": 0.2 },
      paint: { ...halo, "text-color": palette.districtLabel },
    },
  ];
}

/** The answer on the map: the point, the objects nearest to it, and the lines that join them. */
function overlay(palette: Palette): LayerSpecification[] {
  const color: ExpressionSpecification = ["match", ["get", "layer"], "cameras", palette.cameraLink, "manhole_covers", palette.coverLink, palette.candidate];
  const role = (name: string): ExpressionSpecification => ["==", ["get", "role"], name];
  const chosen: ExpressionSpecification = ["boolean", ["get", "chosen"], false];
  return [
    {
      id: "overlay/casing",
      source: "overlay",
      type: "line",
      filter: role("link"),
      layout: { "line-cap": "round" },
      paint: { "line-color": palette.halo, "line-width": ["case", chosen, 6, 4], "line-opacity": 0.8 },
    },
    {
      id: "overlay/link",
      source: "overlay",
      type: "line",
      filter: role("link"),
      paint: { "line-color": color, "line-width": ["case", chosen, 3.2, 1.6], "line-dasharray": [2.5, 1.4] },
    },
    {
      id: "overlay/target",
      source: "overlay",
      type: "circle",
      filter: role("target"),
      paint: {
        "circle-color": "transparent",
        "circle-radius": byZoom(14, 6, 17, 11, 20, 18),
        "circle-stroke-color": color,
        "circle-stroke-width": ["case", chosen, 3.4, 2],
      },
    },
    {
      id: "overlay/distance",
      source: "overlay",
      type: "symbol",
      minzoom: 15.5,
      filter: role("target"),
      layout: {
        "text-field": ["get", "text"],
        "text-font": BOLD,
        "text-size": 12,
        "text-variable-anchor": ["bottom", "top", "left", "right"],
        "text-radial-offset": 1.3,
      },
      paint: { "text-color": color, "text-halo-color": palette.halo, "text-halo-width": 2 },
    },
    {
      id: "overlay/pin-halo",
      source: "overlay",
      type: "circle",
      filter: role("pin"),
      paint: { "circle-radius": 15, "circle-color": palette.pin, "circle-opacity": 0.18, "circle-stroke-color": palette.pin, "circle-stroke-width": 1 },
    },
    {
      id: "overlay/pin",
      source: "overlay",
      type: "circle",
      filter: role("pin"),
      paint: { "circle-radius": 5.5, "circle-color": palette.pin, "circle-stroke-color": "#ffffff", "circle-stroke-width": 2.2 },
    },
  ];
}
