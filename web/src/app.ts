/** What the console is showing: one plain object, and the actions that change it. */

import type { Answer, Problem } from "./api";
import type { Query } from "./hash";
import type { Language } from "./i18n";
import type { Issue } from "./map/issues";
import type { Chosen } from "./map/overlay";
import type { Theme } from "./map/palette";
import type { Metadata } from "./map/served";
import type { LayerId } from "./map/style";

export type Outcome =
  | { kind: "none" }
  | { kind: "waiting"; query: Query }
  | { kind: "answer"; query: Query; answer: Answer }
  | { kind: "problem"; query: Query | null; problem: Problem };

export interface State {
  language: Language;
  theme: Theme;
  hidden: ReadonlySet<LayerId>;
  solid: boolean;
  zoom: number;
  bearing: number;
  outcome: Outcome;
  chosen: Chosen | null;
  issues: readonly Issue[];
  /** What comes with the style: the place, colours, the legend; null until it is there. */
  about: Metadata | null;
}

/** What the panels may ask for. */
export interface Actions {
  ask(query: Query): void;
  clear(): void;
  choose(chosen: Chosen, lon: number, lat: number): void;
  more(layer: Chosen["layer"]): void;
  toggleLayer(layer: LayerId): void;
  toggleSolid(): void;
  switchLanguage(): void;
  switchTheme(): void;
  zoom(by: number): void;
  home(): void;
  north(): void;
}
