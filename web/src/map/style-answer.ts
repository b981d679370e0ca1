/** How what is chosen and the answer are drawn. */

import type { ExpressionSpecification, LayerSpecification } from "maplibre-gl";

import type { Palette } from "./palette";
import { BOLD, byZoom, NOTHING } from "./style-common";

/** Layers whose filters the view sets to the codes of the grids and the building of the answer. */
export function highlights(palette: Palette, halo: string): LayerSpecification[] {
  const grid = { source: "areas", "source-layer": "grids", filter: NOTHING } as const;
  const line = { ...grid, type: "line", layout: { "line-join": "round" } } as const;
  return [
    { ...grid, id: "selected/candidate-fill", type: "fill", paint: { "fill-color": palette.candidate, "fill-opacity": 0.1 } },
    { ...grid, id: "selected/fill", type: "fill", paint: { "fill-color": palette.selected, "fill-opacity": byZoom(11, 0.3, 15, 0.08) } },
    {
      ...line,
      id: "selected/candidate",
      paint: { "line-color": palette.candidate, "line-width": byZoom(11, 1.5, 17, 3), "line-dasharray": [2, 1.5] },
    },
    { ...line, id: "selected/casing", paint: { "line-color": halo, "line-width": byZoom(11, 3, 17, 8), "line-opacity": 0.85 } },
    { ...line, id: "selected/border", paint: { "line-color": palette.selected, "line-width": byZoom(11, 1.6, 17, 3.6) } },
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

/** The answer on the map: the point, the objects nearest to it, and the lines that join them. */
export function overlay(palette: Palette, halo: string): LayerSpecification[] {
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
      paint: { "line-color": halo, "line-width": ["case", chosen, 6, 4], "line-opacity": 0.8 },
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
      paint: { "text-color": color, "text-halo-color": halo, "text-halo-width": 2 },
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
