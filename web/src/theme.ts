/** The theme to begin with. */

import type { Theme } from "./map/palette";
import { recall } from "./storage";

/** Return the theme that was chosen before, or else what the browser asks for. */
export function preferredTheme(): Theme {
  const remembered = recall("theme");
  if (remembered === "light" || remembered === "dark") return remembered;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}
