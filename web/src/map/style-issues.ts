/** How quality issues are drawn: over everything that they are about, coloured by severity. */

import type { ExpressionSpecification, LayerSpecification } from "maplibre-gl";

import { SEVERITIES, severityColor } from "./issues";
import type { Palette } from "./palette";
import { byZoom } from "./style-common";

/** Outlines and lines stay wide enough at every zoom to show even a gap of a few centimetres; points have a sign of their own. */
export function issues(palette: Palette): LayerSpecification[] {
  const source = { source: "quality_issues", "source-layer": "quality_issues" } as const;
  const cases = SEVERITIES.flatMap((severity) => [severity, severityColor(severity, palette)]);
  const color = ["match", ["get", "severity"], ...cases, palette.issueInfo] as unknown as ExpressionSpecification;
  const gravity: ExpressionSpecification = ["match", ["get", "severity"], "error", 2, "warning", 1, 0];
  const has = (type: string): ExpressionSpecification => ["==", ["geometry-type"], type];
  const line = { "line-join": "round", "line-cap": "round", "line-sort-key": gravity } as const;
  return [
    {
      ...source,
      id: "quality_issues/area",
      type: "fill",
      filter: has("Polygon"),
      layout: { "fill-sort-key": gravity },
      paint: { "fill-color": color, "fill-opacity": 0.2, "fill-antialias": false },
    },
    {
      ...source,
      id: "quality_issues/casing",
      type: "line",
      filter: ["!", has("Point")],
      layout: line,
      paint: { "line-color": palette.halo, "line-width": byZoom(8, 5, 14, 6, 18, 7), "line-opacity": 0.8 },
    },
    {
      ...source,
      id: "quality_issues/line",
      type: "line",
      filter: ["!", has("Point")],
      layout: line,
      paint: { "line-color": color, "line-width": byZoom(8, 2.5, 14, 3, 18, 3.5) },
    },
    {
      ...source,
      id: "quality_issues/point",
      type: "symbol",
      filter: has("Point"),
      layout: {
        "icon-image": ["concat", "issue/", ["get", "severity"]],
        "icon-size": byZoom(8, 0.45, 13, 0.6, 16, 0.85, 19, 1.1),
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
        "symbol-sort-key": gravity,
      },
    },
  ];
}
