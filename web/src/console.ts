/** Joins the panels, the map and the server: every change of state passes through here. */

import { type Answer, locate, nearest, Problem } from "./api";
import type { Actions, Outcome, State } from "./app";
import { formatHash, parseHash, type Query } from "./hash";
import { language, preferredLanguage, setLanguage, t } from "./i18n";
import type { Issue } from "./map/issues";
import type { Chosen } from "./map/overlay";
import { type ServedStyle, Styles, type TileJsons, tileJsons } from "./map/served";
import type { LayerId } from "./map/style";
import { MapView } from "./map/view";
import { Page } from "./page";
import { hiddenLayers, switchedLayers } from "./shown";
import { recall, remember } from "./storage";
import { preferredTheme } from "./theme";

const POINT_ZOOM = 16.5;
const OBJECT_ZOOM = 18;
const MORE = 10;
const MORE_RADIUS_M = 2000;
const RETRY_MS = 3000;

export class Console implements Actions {
  private readonly state: State;
  private readonly page: Page;
  private readonly styles = new Styles();
  private view: MapView | null = null;
  private asking = new AbortController();
  private version: number | null = null;
  private zooms: Record<string, number> = {};

  constructor(root: HTMLElement) {
    setLanguage(preferredLanguage(recall("language"), navigator.languages));
    this.state = {
      language: language(),
      theme: preferredTheme(),
      hidden: hiddenLayers(recall("switched")),
      solid: false,
      zoom: 12,
      bearing: 0,
      outcome: { kind: "none" },
      chosen: null,
      issues: [],
      about: null,
    };
    this.page = new Page(root, this);
  }

  /** The MapLibre map, once the server has said where its tiles are. */
  get map(): MapView["map"] | null {
    return this.view?.map ?? null;
  }

  /** Show the page, then the map when the server says where its tiles are, then the point of the address. */
  start(): void {
    this.render();
    addEventListener("hashchange", () => this.followHash());
    const { point } = parseHash(location.hash);
    if (point) {
      this.page.form.fill(point);
      void this.lookUp(point, parseHash(location.hash).map === null);
    }
    void this.openMap();
  }

  ask(query: Query): void {
    void this.lookUp(query, true);
  }

  clear(): void {
    this.asking.abort();
    this.state.chosen = null;
    this.state.issues = [];
    this.finish({ kind: "none" });
    this.writeHash();
  }

  choose(chosen: Chosen, lon: number, lat: number): void {
    this.state.chosen = chosen;
    this.show();
    this.render();
    this.view?.flyTo(lon, lat, OBJECT_ZOOM, this.page.covered());
  }

  more(layer: Chosen["layer"]): void {
    void this.fetchMore(layer);
  }

  toggleLayer(layer: LayerId): void {
    const hidden = new Set(this.state.hidden);
    if (!hidden.delete(layer)) hidden.add(layer);
    this.state.hidden = hidden;
    remember("switched", switchedLayers(hidden));
    void this.restyle();
  }

  toggleSolid(): void {
    this.state.solid = !this.state.solid;
    this.view?.tilt(this.state.solid);
    void this.restyle();
  }

  switchLanguage(): void {
    this.state.language = this.state.language === "zh" ? "en" : "zh";
    setLanguage(this.state.language);
    remember("language", this.state.language);
    void this.restyle();
  }

  switchTheme(): void {
    this.state.theme = this.state.theme === "light" ? "dark" : "light";
    remember("theme", this.state.theme);
    void this.restyle();
  }

  zoom(by: number): void {
    this.view?.zoom(by);
  }

  home(): void {
    this.view?.home();
  }

  north(): void {
    this.view?.north();
  }

  private render(): void {
    this.page.render(this.state, this.zooms);
  }

  /** Show the map as the state says; a theme or a language that is new takes the server's style first. */
  private async restyle(): Promise<void> {
    this.render();
    const { theme, language: words } = this.state;
    try {
      const served = await this.styles.get(theme, words);
      if (theme !== this.state.theme || words !== this.state.language) return;
      this.take(served);
      this.view?.setOptions({ ...this.view.options, ...this.state, served });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.page.notices.set("tiles", t("notice.tiles"));
    }
  }

  private take(served: ServedStyle): void {
    this.state.about = served.metadata;
    this.render();
  }

  private async openMap(): Promise<void> {
    this.page.notices.set("start", t("app.loading"));
    const [served, tiles] = await this.loadStyle();
    this.take(served);
    this.page.notices.set("start", null);
    for (const json of Object.values(tiles)) for (const layer of json.vector_layers) this.zooms[layer.id] = layer.minzoom ?? json.minzoom;
    try {
      this.view = this.makeView(served, tiles);
    } catch (error) {
      console.warn(error);
      this.page.notices.set("webgl", t("notice.webgl"));
      return;
    }
    this.state.zoom = this.view.camera().zoom;
    this.render();
    this.show();
    if (this.state.outcome.kind === "answer") this.meetAnswer(this.state.outcome.answer);
  }

  /** The answer to the address's point came before the map was there. */
  private meetAnswer({ point }: Answer): void {
    if (parseHash(location.hash).map === null) this.flyToAnswer();
    else this.view?.reveal(point.lon, point.lat, this.page.covered());
  }

  private makeView(served: ServedStyle, tiles: TileJsons): MapView {
    return new MapView(this.page.map, { served, tiles, ...this.state }, parseHash(location.hash).map, {
      clicked: (lon, lat, issues) => void this.lookUp({ first: round(lon), second: round(lat), crs: "wgs84" }, false, issues),
      moved: (camera, bearing) => this.moved(camera.zoom, bearing),
      tilesFailed: () => this.page.notices.set("tiles", t("notice.tiles")),
      tilesLoaded: () => this.page.notices.set("tiles", null),
      hovered: (feature, x, y) => this.page.hover(feature, x, y),
    });
  }

  /** The server may still be starting, or its database: ask until it says where the tiles are. */
  private async loadStyle(): Promise<[ServedStyle, TileJsons]> {
    for (;;) {
      try {
        const served = await this.styles.get(this.state.theme, this.state.language);
        return [served, await tileJsons(served)];
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        this.page.notices.set("start", `${t("notice.start")} ${error.detail}`);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  private async lookUp(query: Query, fly: boolean, issues: readonly Issue[] = []): Promise<void> {
    this.asking.abort();
    const asking = (this.asking = new AbortController());
    this.state.chosen = null;
    this.state.issues = issues;
    this.finish({ kind: "waiting", query });
    try {
      const answer = await locate(query, asking.signal);
      this.finish({ kind: "answer", query, answer });
      this.noteVersion(answer.data_version, answer.database);
      this.page.announce(t("answer.announce", { status: t(`status.${answer.status}`), grid: answer.grid?.name ?? "" }));
      if (fly) this.flyToAnswer();
      else this.view?.reveal(answer.point.lon, answer.point.lat, this.page.covered());
    } catch (error) {
      if (asking.signal.aborted) return;
      this.finish({ kind: "problem", query, problem: error instanceof Problem ? error : new Problem(0, String(error)) });
    }
    this.writeHash();
  }

  private async fetchMore(layer: Chosen["layer"]): Promise<void> {
    const { outcome } = this.state;
    if (outcome.kind !== "answer") return;
    try {
      const { lon, lat } = outcome.answer.point;
      const found = await nearest(layer, { first: lon, second: lat, crs: "wgs84" }, MORE, MORE_RADIUS_M, this.asking.signal);
      if (this.state.outcome !== outcome) return;
      this.finish({ ...outcome, answer: { ...outcome.answer, [layer]: found.features } });
      this.noteVersion(found.data_version, found.database);
    } catch (error) {
      if (error instanceof Problem) this.page.notices.set("more", error.detail || t("error.network"));
    }
  }

  private finish(outcome: Outcome): void {
    this.state.outcome = outcome;
    this.page.notices.set("more", null);
    this.render();
    this.show();
  }

  private show(): void {
    const { outcome, chosen } = this.state;
    this.view?.show(outcome.kind === "answer" ? outcome.answer : null, chosen);
  }

  private flyToAnswer(): void {
    if (this.state.outcome.kind !== "answer") return;
    const { lon, lat } = this.state.outcome.answer.point;
    this.view?.flyTo(lon, lat, POINT_ZOOM, this.page.covered());
  }

  /** A newer version than the last one means that the tiles on the map are older than the answer. */
  private noteVersion(version: number, database: "up" | "down"): void {
    if (this.version !== null && version > this.version) this.view?.refresh();
    this.version = Math.max(version, this.version ?? 0);
    this.page.notices.set("database", database === "down" ? t("notice.database") : null);
  }

  private moved(zoom: number, bearing: number): void {
    Object.assign(this.state, { zoom, bearing });
    this.page.renderMoved(this.state, this.zooms);
    this.writeHash();
  }

  private writeHash(): void {
    const { outcome } = this.state;
    const point = outcome.kind === "none" ? null : outcome.query;
    const hash = formatHash({ map: this.view?.camera() ?? parseHash(location.hash).map, point });
    if (hash !== location.hash) history.replaceState(null, "", hash || location.pathname + location.search);
  }

  /** Somebody edited the address or went back: follow it. */
  private followHash(): void {
    const { map, point } = parseHash(location.hash);
    if (map) this.view?.jumpTo(map);
    if (!point) return;
    this.page.form.fill(point);
    void this.lookUp(point, map === null);
  }
}

/** A click is no more exact than a tenth of a metre. */
function round(degrees: number): number {
  return Number(degrees.toFixed(6));
}
