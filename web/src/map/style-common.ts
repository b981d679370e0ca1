/** What the console's own parts of the style share: a font, ramps, a filter that nothing passes. */

import type { ExpressionSpecification } from "maplibre-gl";

/**
 * Families that the reader's own machine has, best first: with no `glyphs` address MapLibre draws every sign itself.
 * It takes the weight from words in the first name, which therefore is no font's name.
 */
export const BOLD = ["Map Semibold", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei"];

/** A filter for layers that show nothing until an answer says what. */
export const NOTHING: ExpressionSpecification = ["==", ["get", "code"], ""];

/** `value` at each zoom, in straight lines between. */
export function byZoom(...stops: (number | ExpressionSpecification)[]): ExpressionSpecification {
  return ["interpolate", ["linear"], ["zoom"], ...stops] as unknown as ExpressionSpecification;
}
