/** The style as the server gives it: what is drawn and in which colours, with a legend for the panel. */

import type { StyleSpecification } from "maplibre-gl";

import { getJson, Problem, type TileJson, tileJson } from "../api";
import type { Language } from "../i18n";
import type { Theme } from "./palette";

/** Colours by what they are for, as in the server's palettes. */
export interface Colours {
  halo: string;
  grid_border: string;
  community_border: string;
  street_border: string;
  district_border: string;
  cover_damaged: string;
  road_casing: string;
  place: string;
  address: string;
  online: string;
  offline: string;
  fault: string;
  issue_error: string;
  issue_warning: string;
  issue_info: string;
}

/** A kind of feature that has a colour of its own; covers have a sign besides. */
export interface Kind {
  id: string;
  title: string;
  color: string;
  sign?: string;
}

export interface Metadata {
  "gisgrid:place": string;
  "gisgrid:colours": Colours;
  "gisgrid:legend": Readonly<Record<"manhole_covers" | "buildings", readonly Kind[]>>;
}

export type ServedStyle = StyleSpecification & { metadata: Metadata };

/** TileJSON by the name of the source. */
export type TileJsons = Readonly<Record<string, TileJson>>;

/** Fetches each style once; what failed is asked for again the next time. */
export class Styles {
  private readonly known = new Map<string, Promise<ServedStyle>>();

  /** The style of a theme, its signs and legend in a language. Raises Problem. */
  get(theme: Theme, language: Language): Promise<ServedStyle> {
    const path = `styles/${theme}.json?lang=${language}`;
    const known = this.known.get(path) ?? getJson<ServedStyle>(path, new AbortController().signal);
    this.known.set(path, known);
    known.catch(() => this.known.delete(path));
    return known;
  }
}

/** Fetch the TileJSON of each source of a style that has one. Raises Problem. */
export async function tileJsons(style: ServedStyle): Promise<TileJsons> {
  const signal = new AbortController().signal;
  const addresses = Object.entries(style.sources).flatMap(([name, source]) => ("url" in source && source.url ? [[name, source.url] as const] : []));
  if (addresses.length === 0) throw new Problem(0, "");
  const documents = await Promise.all(addresses.map(async ([name, url]) => [name, await tileJson(url, signal)] as const));
  return Object.fromEntries(documents);
}
