/** What the parts of the style share: fonts, ramps, a filter that nothing passes. */

import type { ExpressionSpecification } from "maplibre-gl";

/**
 * Families that the reader's own machine has, best first: with no `glyphs` address MapLibre draws every sign itself.
 * It takes the weight from words in the first name, which therefore is no font's name.
 */
const FAMILIES = ["PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei"];
export const REGULAR = ["Map Regular", ...FAMILIES];
export const BOLD = ["Map Semibold", ...FAMILIES];

/** A filter for layers that show nothing until an answer says what. */
export const NOTHING: ExpressionSpecification = ["==", ["get", "code"], ""];

/** `value` at each zoom, in straight lines between. */
export function byZoom(...stops: (number | ExpressionSpecification)[]): ExpressionSpecification {
  return ["interpolate", ["linear"], ["zoom"], ...stops] as unknown as ExpressionSpecification;
}
