/** The map of cases: the district's own style, the cases over it, and what the case at hand is about. */

import type { Feature, FeatureCollection } from "geojson";
import { type GeoJSONSource, type LayerSpecification, Map as MapLibreMap, ScaleControl, setWorkerUrl, type StyleSpecification } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";

import { drawImage } from "../map/images";
import type { Theme } from "../map/palette";
import type { ServedStyle, TileJsons } from "../map/served";
import { type LayerId, makeStyle } from "../map/style";
import { BOLD, byZoom } from "../map/style-common";
import { type Case, look } from "./model";
import { circle, hexagons, sector } from "./shapes";
import { w } from "./words";

/** What is drawn of the case at hand. */
export interface AtHand {
  place: { lon: number; lat: number; uncertainty_m: number | null } | null;
  candidates: readonly { lon: number; lat: number }[];
  covers: readonly { lon: number; lat: number; chosen: boolean }[];
  cameras: readonly { lon: number; lat: number; state: string; azimuth_deg: number | null; field_of_view_deg: number | null; range_m: number | null }[];
}

export const NOTHING_AT_HAND: AtHand = { place: null, candidates: [], covers: [], cameras: [] };

export const COLOURS: Readonly<Record<ReturnType<typeof look>, string>> = {
  overdue: "#d1222f",
  needs_review: "#c77700",
  assigned: "#2463b4",
  closed: "#5b7a6a",
  void: "#8a8a8a",
};

const HEX_RESOLUTION = 8;
const EMPTY: FeatureCollection = { type: "FeatureCollection", features: [] };
const HIDDEN: ReadonlySet<LayerId> = new Set(["quality_issues", "cameras", "manhole_covers"]);
const OWN_SOURCES = ["today", "hand", "heat"] as const;
const HIT_PX = 5;
/** The page of a case lies over the left of the map, where there is room for both. */
const besidePage = (): { left: number } => ({ left: matchMedia("(min-width: 1001px)").matches ? 392 : 0 });

export interface MapOptions {
  served: ServedStyle;
  tiles: TileJsons;
  theme: Theme;
  heat: boolean;
}

export interface MapEvents {
  clicked(lon: number, lat: number): void;
  chosen(number: string): void;
}

export class CaseMap {
  readonly map: MapLibreMap;
  private readonly data: Record<(typeof OWN_SOURCES)[number], FeatureCollection> = { today: EMPTY, hand: EMPTY, heat: EMPTY };
  private options: MapOptions;

  constructor(container: HTMLElement, options: MapOptions, events: MapEvents) {
    setWorkerUrl(new URL(workerUrl, document.baseURI).href);
    this.options = options;
    this.map = new MapLibreMap({
      container,
      style: this.style(),
      bounds: this.bounds(),
      fitBoundsOptions: { padding: 30 },
      minZoom: 4,
      maxZoom: 21,
      attributionControl: false,
      fadeDuration: 0,
      locale: { "Map.Title": w("map.label") },
    });
    this.map.setMissingStyleImageResolver((id) => Promise.resolve(drawImage(id, options.served.metadata["gisgrid:colours"])).then((image) => {
      if (image && !this.map.hasImage(id)) this.map.addImage(id, image);
    }));
    if (!options.heat) this.map.addControl(new ScaleControl({ maxWidth: 120 }), "bottom-right");
    this.map.on("click", ({ point, lngLat }) => {
      const { x, y } = point;
      const found = this.map.queryRenderedFeatures([[x - HIT_PX, y - HIT_PX], [x + HIT_PX, y + HIT_PX]], { layers: ["today/dot"] })[0];
      const number: unknown = found?.properties["number"];
      if (typeof number === "string") events.chosen(number);
      else events.clicked(lngLat.lng, lngLat.lat);
    });
    this.map.on("mousemove", "today/dot", () => (this.map.getCanvas().style.cursor = "pointer"));
    this.map.on("mouseleave", "today/dot", () => (this.map.getCanvas().style.cursor = ""));
    // A map that has been given another size draws itself anew only when it is told.
    new ResizeObserver(() => this.resized()).observe(container);
  }

  setOptions(options: Partial<MapOptions>): void {
    this.options = { ...this.options, ...options };
    this.map.setStyle(this.style(), { diff: true });
  }

  /** Draw the cases; on the wall hexagons of how many lie where. */
  showCases(cases: readonly Case[], chosen: string | null, now: number): void {
    const placed = cases.filter((one) => one.position !== null);
    this.put("today", { type: "FeatureCollection", features: placed.map((one) => dot(one, chosen, now)) });
    if (this.options.heat) this.put("heat", hexagons(placed.map((one) => one.position as { lon: number; lat: number }), HEX_RESOLUTION));
  }

  /** Draw what the case at hand is about. */
  showAtHand(hand: AtHand): void {
    this.put("hand", { type: "FeatureCollection", features: handFeatures(hand) });
  }

  flyTo(lon: number, lat: number, zoom: number): void {
    const target = { center: [lon, lat] as [number, number], zoom: Math.max(zoom, this.map.getZoom()), padding: besidePage() };
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.map.jumpTo(target);
    else this.map.flyTo({ ...target, maxDuration: 1200 });
  }

  home(): void {
    this.map.fitBounds(this.bounds(), { padding: 30 });
  }

  private resized(): void {
    this.map.resize();
    // Nobody moves the map of the wall: it shows all of the city, whatever room it has.
    if (this.options.heat) this.map.fitBounds(this.bounds(), { padding: 20, duration: 0 });
  }

  private bounds(): [number, number, number, number] {
    return this.options.tiles["areas"]?.bounds ?? [-180, -80, 180, 80];
  }

  private put(name: (typeof OWN_SOURCES)[number], data: FeatureCollection): void {
    this.data[name] = data;
    this.map.getSource<GeoJSONSource>(name)?.setData(data);
  }

  private style(): StyleSpecification {
    const { served, tiles, theme, heat } = this.options;
    const base = makeStyle({ served, tiles, theme, hidden: HIDDEN, solid: false });
    const sources = Object.fromEntries(OWN_SOURCES.map((name) => [name, { type: "geojson" as const, data: this.data[name] }]));
    const { halo } = served.metadata["gisgrid:colours"];
    return { ...base, sources: { ...base.sources, ...sources }, layers: [...base.layers.filter(({ id }) => !id.startsWith("cases/")), ...(heat ? heatLayers(theme) : []), ...caseLayers(halo, heat), ...handLayers(halo)] };
  }
}

function dot(one: Case, chosen: string | null, now: number): Feature {
  const place = one.position as { lon: number; lat: number };
  const rank = { overdue: 3, needs_review: 2, assigned: 1, closed: 0, void: 0 }[look(one, now)];
  return {
    type: "Feature",
    geometry: { type: "Point", coordinates: [place.lon, place.lat] },
    properties: { number: one.number, look: look(one, now), rank, chosen: one.number === chosen },
  };
}

function handFeatures({ place, candidates, covers, cameras }: AtHand): Feature[] {
  const point = (lon: number, lat: number, properties: Record<string, unknown>): Feature => ({
    type: "Feature",
    geometry: { type: "Point", coordinates: [lon, lat] },
    properties,
  });
  return [
    ...cameras.map((one) => sector(one.lon, one.lat, one.range_m ?? 50, one.azimuth_deg, one.field_of_view_deg ?? 60, { role: "view", sure: one.state === "sees" })),
    ...cameras.map((one) => point(one.lon, one.lat, { role: "camera" })),
    ...covers.map((one) => point(one.lon, one.lat, { role: "cover", chosen: one.chosen })),
    ...candidates.map((one, index) => point(one.lon, one.lat, { role: "candidate", text: String(index + 1) })),
    ...(place?.uncertainty_m ? [circle(place.lon, place.lat, place.uncertainty_m, { role: "doubt" })] : []),
    ...(place ? [point(place.lon, place.lat, { role: "pin" })] : []),
  ];
}

function caseLayers(halo: string, heat: boolean): LayerSpecification[] {
  const colours = Object.entries(COLOURS).flat();
  const chosen = ["boolean", ["get", "chosen"], false];
  return [
    {
      id: "today/dot",
      source: "today",
      type: "circle",
      // Over the hexagons only what somebody has to look at.
      ...(heat ? { filter: [">=", ["get", "rank"], 3] as never } : {}),
      layout: { "circle-sort-key": ["get", "rank"] },
      paint: {
        "circle-color": ["match", ["get", "look"], ...colours, "#8a8a8a"] as never,
        "circle-radius": byZoom(10, ["case", chosen, 7, heat ? 2 : 2.5] as never, 14, ["case", chosen, 10, heat ? 4 : 5] as never, 18, ["case", chosen, 14, 9] as never),
        "circle-stroke-color": ["case", chosen, "#ffffff", halo] as never,
        "circle-stroke-width": ["case", chosen, 3, 1] as never,
      },
    },
  ];
}

function heatLayers(theme: Theme): LayerSpecification[] {
  const stops = theme === "dark" ? ["#1f3a5c", "#6b4a8a", "#d0553f", "#ffd166"] : ["#f4d9a0", "#ee9b55", "#cf4a2c", "#7a1420"];
  return [
    {
      id: "heat/cell",
      source: "heat",
      type: "fill",
      paint: {
        "fill-color": ["interpolate", ["linear"], ["get", "share"], 0, stops[0], 0.35, stops[1], 0.7, stops[2], 1, stops[3]] as never,
        "fill-opacity": 0.72,
        "fill-outline-color": "#00000022",
      },
    },
  ];
}

function handLayers(halo: string): LayerSpecification[] {
  const role = (name: string): never => ["==", ["get", "role"], name] as never;
  return [
    { id: "hand/view", source: "hand", type: "fill", filter: role("view"), paint: { "fill-color": "#2c9a62", "fill-opacity": ["case", ["get", "sure"], 0.28, 0.13] as never } },
    { id: "hand/view-edge", source: "hand", type: "line", filter: role("view"), paint: { "line-color": "#2c9a62", "line-width": 1, "line-opacity": 0.7 } },
    { id: "hand/doubt", source: "hand", type: "fill", filter: role("doubt"), paint: { "fill-color": "#b5381f", "fill-opacity": 0.12 } },
    { id: "hand/doubt-edge", source: "hand", type: "line", filter: role("doubt"), paint: { "line-color": "#b5381f", "line-width": 1.4, "line-dasharray": [2, 2] } },
    { id: "hand/camera", source: "hand", type: "circle", filter: role("camera"), paint: { "circle-radius": 5, "circle-color": "#2c9a62", "circle-stroke-color": halo, "circle-stroke-width": 1.5 } },
    {
      id: "hand/cover",
      source: "hand",
      type: "circle",
      filter: role("cover"),
      paint: { "circle-radius": ["case", ["get", "chosen"], 9, 6] as never, "circle-color": "transparent", "circle-stroke-color": "#35618c", "circle-stroke-width": ["case", ["get", "chosen"], 3.5, 2] as never },
    },
    { id: "hand/pin", source: "hand", type: "circle", filter: role("pin"), paint: { "circle-radius": 7, "circle-color": "#b5381f", "circle-stroke-color": "#ffffff", "circle-stroke-width": 2.5 } },
    { id: "hand/candidate", source: "hand", type: "circle", filter: role("candidate"), paint: { "circle-radius": 13, "circle-color": "#c77700", "circle-stroke-color": "#ffffff", "circle-stroke-width": 2 } },
    {
      id: "hand/candidate-number",
      source: "hand",
      type: "symbol",
      filter: role("candidate"),
      layout: { "text-field": ["get", "text"], "text-font": BOLD, "text-size": 15, "text-allow-overlap": true },
      paint: { "text-color": "#ffffff" },
    },
  ];
}
