/** How covers, cameras and what cameras see are drawn. */

import type { ExpressionSpecification, LayerSpecification } from "maplibre-gl";

import type { Language } from "../i18n";
import { SECTOR_RADIUS, SECTOR_STEP_DEG } from "./images";
import { COVER_KINDS, OTHER_COVER, type Palette } from "./palette";
import { BOLD, byZoom, NOTHING } from "./style-common";

/**
 * The views of cameras to scale: the image's radius is the range on the ground at every zoom. All cameras that look one way
 * have a pale one; those of the answer a strong one, with a wider, fainter sector where the direction is not exactly known,
 * and a circle for those that turn or whose direction is unknown.
 */
export function views(): LayerSpecification[] {
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

export function covers(palette: Palette, language: Language): LayerSpecification[] {
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

export function cameras(palette: Palette): LayerSpecification[] {
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
