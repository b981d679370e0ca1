/** What the screen of cases is showing, and what its parts may ask for. */

import type { Language } from "../i18n";
import type { Theme } from "../map/palette";
import type { Editor } from "./calls";
import type { Case, Filters, WholeCase } from "./model";

export type Tab = "list" | "review" | "form" | "batch";
export const TABS: readonly Tab[] = ["list", "review", "form", "batch"];

export interface State {
  language: Language;
  theme: Theme;
  tab: Tab;
  /** The day of the city that is shown, as 2026-11-22. */
  day: string;
  /** The newest day that has cases, where this one has none. */
  latest: string | null;
  cases: ReadonlyMap<string, Case>;
  isLoading: boolean;
  isLive: boolean;
  filters: Filters;
  /** How many rows of the list are drawn. */
  rows: number;
  chosen: string | null;
  whole: WholeCase | null;
  editor: Editor | null;
  /** Where the map was clicked while a case was open. */
  clicked: { lon: number; lat: number } | null;
  problem: string | null;
  now: number;
}

/** What the parts of the screen may ask for. */
export interface Actions {
  go(tab: Tab): void;
  day(day: string): void;
  filter(filters: Partial<Filters>): void;
  more(): void;
  open(number: string): void;
  shut(): void;
  act(action: string, body: Record<string, unknown>): void;
  enter(editor: Editor | null): void;
  help(): void;
  wall(): void;
  switchLanguage(): void;
  switchTheme(): void;
}
