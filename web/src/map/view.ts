/** The map: MapLibre with the style of this project, the answer drawn on top, and the few events that the console needs. */

import { type ErrorEvent, type GeoJSONSource, type LngLat, Map as MapLibreMap, type MapGeoJSONFeature, type MapMouseEvent, type Point, ScaleControl, setWorkerUrl, type StyleSpecification } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";

import type { Answer, TileJson } from "../api";
import type { Camera } from "../hash";
import { t } from "../i18n";
import { drawImage } from "./images";
import { type Issue, toIssues } from "./issues";
import { type Chosen, overlayFeatures } from "./overlay";
import { makeStyle, type StyleOptions } from "./style";

/** What is drawn at a place, for a line of text beside the pointer. */
export interface Hovered {
  layer: string;
  properties: Readonly<Record<string, unknown>>;
}

/** Tiles that could not be loaded are asked for again after this time. */
const RETRY_MS = 5000;

export interface ViewEvents {
  clicked(lon: number, lat: number, issues: readonly Issue[]): void;
  moved(camera: Camera, bearing: number): void;
  tilesFailed(): void;
  tilesLoaded(): void;
  hovered(feature: Hovered | null, x: number, y: number): void;
}

/** Styles whose features say what they are under the pointer, from the top down. */
const ISSUE_LAYERS = ["quality_issues/point", "quality_issues/line", "quality_issues/area"];
const HOVER_LAYERS = [...ISSUE_LAYERS, "cameras/body", "cameras/dot", "manhole_covers/dot", "buildings/area", "grids/area"];

const HIT_PX = 4;

/** A place nearer than this to an edge or a panel counts as hidden. */
const EDGE_PX = 24;

export class MapView {
  readonly map: MapLibreMap;
  private answer: Answer | null = null;
  private chosen: Chosen | null = null;
  private failed = false;
  private retry: ReturnType<typeof setTimeout> | null = null;

  constructor(
    container: HTMLElement,
    public options: StyleOptions,
    camera: Camera | null,
    private readonly events: ViewEvents,
  ) {
    setWorkerUrl(new URL(workerUrl, document.baseURI).href);
    const bounds = this.areas.bounds;
    this.map = new MapLibreMap({
      container,
      style: makeStyle(options),
      ...(camera ? { center: [camera.lon, camera.lat], zoom: camera.zoom } : { bounds, fitBoundsOptions: { padding: framePadding() } }),
      minZoom: 4,
      maxZoom: 21,
      maxPitch: 65,
      attributionControl: false,
      fadeDuration: 150,
      locale: { "Map.Title": t("map.label") },
      refreshExpiredTiles: false,
    });
    this.map.setMissingStyleImageResolver((id) => Promise.resolve(drawImage(id, this.options.served.metadata["gisgrid:colours"])).then((image) => {
      if (image && !this.map.hasImage(id)) this.map.addImage(id, image);
    }));
    this.addControls();
    this.listen();
  }

  private get areas(): TileJson {
    return this.options.tiles["areas"] as TileJson;
  }

  /** Show the map as `options` say; what does not change stays as it is. */
  setOptions(options: StyleOptions): void {
    const themeChanged = options.theme !== this.options.theme;
    this.options = options;
    if (themeChanged) for (const id of this.map.listImages().filter((image) => image.startsWith("sector/"))) this.map.removeImage(id);
    this.map.setStyle(makeStyle(options), { transformStyle: (previous, next) => keepData(previous, next) });
    this.map.getCanvas().setAttribute("aria-label", t("map.label"));
  }

  /** Draw an answer, or none. */
  show(answer: Answer | null, chosen: Chosen | null): void {
    this.answer = answer;
    this.chosen = chosen;
    this.highlight();
  }

  flyTo(lon: number, lat: number, zoom: number, padding: Padding = {}): void {
    const target = { center: [lon, lat] as [number, number], zoom: Math.max(zoom, this.map.getZoom()), padding: { ...NO_PADDING, ...padding } };
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.map.jumpTo(target);
    else this.map.flyTo({ ...target, speed: 1.8, maxDuration: 1800 });
  }

  /** Move the map just as far that a place is not hidden beneath a panel. */
  reveal(lon: number, lat: number, covered: Padding): void {
    const { x, y } = this.map.project([lon, lat]);
    const { clientWidth: width, clientHeight: height } = this.map.getContainer();
    const inside = x > (covered.left ?? 0) + EDGE_PX && x < width - EDGE_PX && y > EDGE_PX && y < height - (covered.bottom ?? 0) - EDGE_PX;
    if (!inside) this.map.easeTo({ center: [lon, lat], padding: { ...NO_PADDING, ...covered } });
  }

  north(): void {
    this.map.easeTo({ bearing: 0, pitch: 0 });
  }

  home(): void {
    this.map.fitBounds(this.areas.bounds, { padding: framePadding(), pitch: 0, bearing: 0 });
  }

  jumpTo(camera: Camera): void {
    this.map.jumpTo({ center: [camera.lon, camera.lat], zoom: camera.zoom });
  }

  camera(): Camera {
    const { lng, lat } = this.map.getCenter();
    return { zoom: this.map.getZoom(), lat, lon: lng };
  }

  zoom(by: number): void {
    this.map.zoomTo(this.map.getZoom() + by);
  }

  tilt(solid: boolean): void {
    this.map.easeTo({ pitch: solid ? 55 : 0, duration: 500 });
  }

  /** Fetch tiles anew: the data have changed since they were loaded. */
  refresh(): void {
    for (const source of Object.keys(this.options.tiles)) this.map.refreshTiles(source);
  }

  private addControls(): void {
    this.map.addControl(new ScaleControl({ maxWidth: 120 }), "bottom-right");
  }

  private listen(): void {
    const map = this.map;
    map.on("click", (event) => this.click(event.lngLat));
    map.on("moveend", () => this.events.moved(this.camera(), map.getBearing()));
    map.on("idle", () => this.settled());
    map.on("style.load", () => this.highlight());
    map.on("error", (event) => {
      if (isTileError(event)) this.tilesFailed();
      else console.error(event.error);
    });
    map.on("mousemove", (event) => this.hover(event));
    map.on("mouseout", () => this.events.hovered(null, 0, 0));
    map.on("movestart", () => this.events.hovered(null, 0, 0));
    map.getCanvas().addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      this.click(map.getCenter());
    });
  }

  private click(place: LngLat): void {
    this.events.clicked(place.lng, place.lat, toIssues(this.around(this.map.project(place), ISSUE_LAYERS)));
  }

  private hover(event: MapMouseEvent): void {
    const { x, y } = event.point;
    const found = this.around(event.point, HOVER_LAYERS);
    const top = HOVER_LAYERS.map((id) => found.find((feature) => feature.layer.id === id)).find((feature) => feature !== undefined);
    this.events.hovered(top ? { layer: top.sourceLayer ?? "", properties: top.properties } : null, x, y);
  }

  /** What the style layers called `ids` show at a point of the map and close by. */
  private around({ x, y }: Point, ids: readonly string[]): MapGeoJSONFeature[] {
    const layers = ids.filter((id) => this.map.getLayer(id));
    return this.map.queryRenderedFeatures([[x - HIT_PX, y - HIT_PX], [x + HIT_PX, y + HIT_PX]], { layers });
  }

  private tilesFailed(): void {
    this.failed = true;
    this.events.tilesFailed();
    this.retry ??= setTimeout(() => {
      this.retry = null;
      this.failed = false;
      this.refresh();
    }, RETRY_MS);
  }

  private settled(): void {
    if (!this.failed) this.events.tilesLoaded();
  }

  private geojson(id: string): GeoJSONSource | undefined {
    return this.map.getSource<GeoJSONSource>(id);
  }

  /** Before the style is there it is too early, and `load` calls again. */
  private highlight(): void {
    const source = this.geojson("overlay");
    if (!source) return;
    const grid = this.answer?.grid?.code;
    const doubtful = [...(this.answer?.candidates ?? []), ...(this.answer?.nearest && !grid ? [this.answer.nearest] : [])];
    const building = this.answer?.building?.["code"];
    this.filterCodes(["selected/fill", "selected/casing", "selected/border"], grid ? [grid] : []);
    this.filterCodes(["selected/candidate", "selected/candidate-fill"], doubtful.map(({ code }) => code).filter((code) => code !== grid));
    this.filterCodes(["selected/building"], typeof building === "string" ? [building] : []);
    this.filterCodes(["selected/view", "selected/doubt"], (this.answer?.cameras ?? []).map(({ code }) => code));
    source.setData(overlayFeatures(this.answer, this.chosen));
  }

  private filterCodes(layers: string[], codes: string[]): void {
    for (const layer of layers.filter((id) => this.map.getLayer(id))) this.map.setFilter(layer, ["in", ["get", "code"], ["literal", codes]]);
  }
}

export type Padding = Partial<Record<"top" | "right" | "bottom" | "left", number>>;
const NO_PADDING = { top: 0, right: 0, bottom: 0, left: 0 };

/** Space around the whole district for the panels that lie over the map. */
function framePadding(): Required<Padding> {
  const wide = matchMedia("(min-width: 760px)").matches;
  return wide ? { top: 40, right: 60, bottom: 40, left: 400 } : { top: 90, right: 20, bottom: 60, left: 20 };
}

/** A new style takes over what was put into the old one: the answer, and the filters that go with it. */
function keepData(previous: StyleSpecification | undefined, next: StyleSpecification): StyleSpecification {
  if (!previous) return next;
  const filters = new Map(previous.layers.flatMap((layer) => ("filter" in layer ? [[layer.id, layer.filter] as const] : [])));
  return {
    ...next,
    sources: { ...next.sources, ...pick(previous.sources, ["overlay"]) },
    layers: next.layers.map((layer) =>
      layer.id.startsWith("selected/") && filters.has(layer.id) ? ({ ...layer, filter: filters.get(layer.id) } as typeof layer) : layer,
    ),
  };
}

function pick<T>(from: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(from).filter(([name]) => names.includes(name)));
}

/** Whether an error of the map is that of a source, as when the server is down, and not a mistake in the style. */
function isTileError(event: ErrorEvent): boolean {
  return "sourceId" in event || "status" in event.error;
}
