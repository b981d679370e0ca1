/** What is written and drawn over everything else: names, and the answer. */

import type { ExpressionSpecification, LayerSpecification } from "maplibre-gl";

import type { Palette } from "./palette";
import { BOLD, byZoom, REGULAR } from "./style-common";

/** Names stand at points worked out once for the whole district, so that no name is written twice where tiles meet. */
export function labels(palette: Palette): LayerSpecification[] {
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
export function overlay(palette: Palette): LayerSpecification[] {
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
