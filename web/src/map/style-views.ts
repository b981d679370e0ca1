/** What the cameras of an answer look at, to scale: sectors whose images are drawn here. */

import type { ExpressionSpecification, LayerSpecification } from "maplibre-gl";

import { SECTOR_RADIUS, SECTOR_STEP_DEG } from "./images";
import { byZoom, NOTHING } from "./style-common";

/**
 * The image's radius is the range on the ground at every zoom. Cameras of the answer have a strong sector, with a wider, fainter one
 * where the direction is not exactly known, and a circle if they turn or their direction is unknown. What each camera sees between
 * the buildings comes with the style. Pixels per metre grow with latitude: `lat` is the middle of the data.
 */
export function views(lat: number): LayerSpecification[] {
  const fov: ExpressionSpecification = ["coalesce", ["get", "field_of_view_deg"], 0];
  const doubt: ExpressionSpecification = ["coalesce", ["get", "azimuth_uncertainty_deg"], 0];
  const size = sectorSize(lat);
  return [
    sectors("selected/doubt", size, ["case", [">=", doubt, SECTOR_STEP_DEG / 2], ["+", fov, ["*", 2, doubt]], 0], byZoom(15, 0.35, 18, 0.45)),
    sectors("selected/view", size, ["case", ["has", "azimuth_deg"], fov, [">", fov, 0], 360, 0], byZoom(15, 0.9, 18, 1)),
  ];
}

/** Sectors of `degrees`, none where that is 0. */
function sectors(
  id: string,
  size: ExpressionSpecification,
  degrees: ExpressionSpecification,
  opacity: ExpressionSpecification,
): LayerSpecification {
  const step = ["*", SECTOR_STEP_DEG, ["max", 1, ["round", ["/", ["min", degrees, 360], SECTOR_STEP_DEG]]]];
  const image = ["concat", "sector/", ["to-string", step], "/", ["coalesce", ["get", "status"], ""]];
  return {
    id,
    source: "cameras",
    "source-layer": "cameras",
    type: "symbol",
    minzoom: 15,
    filter: NOTHING,
    layout: {
      "icon-image": ["case", [">", degrees, 0], image, ""] as unknown as ExpressionSpecification,
      "icon-size": size,
      "icon-rotate": ["coalesce", ["get", "azimuth_deg"], 0],
      "icon-rotation-alignment": "map",
      "icon-pitch-alignment": "map",
      "icon-allow-overlap": true,
      "icon-ignore-placement": true,
    },
    paint: { "icon-opacity": opacity },
  };
}

/** Pixels per metre double with each zoom. */
function sectorSize(lat: number): ExpressionSpecification {
  const scale = (zoom: number): ExpressionSpecification => {
    const pixelsPerMetre = (512 * 2 ** zoom) / (2 * Math.PI * 6378137) / Math.cos((lat * Math.PI) / 180);
    return ["*", ["coalesce", ["get", "range_m"], 0], pixelsPerMetre / SECTOR_RADIUS];
  };
  return ["interpolate", ["exponential", 2], ["zoom"], 14, scale(14), 22, scale(22)];
}
