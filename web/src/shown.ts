/** Which layers are shown, as the browser remembers it: only what the reader switched, so that new layers come as they are meant. */

import { LAYER_IDS, type LayerId, OFF_AT_FIRST } from "./map/style";

/** Return the layers that are hidden when those named in `switched` are not as at first. */
export function hiddenLayers(switched: string | null): Set<LayerId> {
  const words = (switched ?? "").split(",");
  return new Set(LAYER_IDS.filter((id) => OFF_AT_FIRST.has(id) !== words.includes(id)));
}

/** Return what to remember of `hidden`, for `hiddenLayers` to read. */
export function switchedLayers(hidden: ReadonlySet<LayerId>): string {
  return LAYER_IDS.filter((id) => OFF_AT_FIRST.has(id) !== hidden.has(id)).join(",");
}
