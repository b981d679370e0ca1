/** Joins panel, map and server of the screen of cases: every change of state passes through here. */

import { getJson, Problem } from "../api";
import { language, preferredLanguage, setLanguage } from "../i18n";
import { Styles, tileJsons } from "../map/served";
import { recall, remember } from "../storage";
import { preferredTheme } from "../theme";
import { dayAfter, dayIn, formatAddress, parseAddress } from "./address";
import { acted, casesOf, type Editor, follow, newestCase, wholeCase } from "./calls";
import { atHand } from "./facts";
import { wordsOf } from "./form";
import { isTyping } from "./help";
import { CaseMap } from "./map";
import { type Case, type Filters, merged, NO_FILTERS, reviewQueue, shown, type WholeCase } from "./model";
import { Panel } from "./panel";
import type { Actions, State, Tab } from "./state";
import { setZone, w } from "./words";

const CASE_ZOOM = 16.5;
const ROWS = 200;
/** Deadlines go on by themselves. */
const TICK_MS = 15_000;
const RETRY_MS = 3000;
/** What comes in bursts, as from a file, is drawn together. */
const GATHER_MS = 120;

export class Screen implements Actions {
  private readonly state: State;
  private readonly panel: Panel;
  private readonly styles = new Styles();
  private readonly isWall: boolean;
  private view: CaseMap | null = null;
  private loading = new AbortController();
  private opening = new AbortController();
  private zone = "Asia/Shanghai";
  private waiting: ReturnType<typeof setTimeout> | null = null;
  private preview: WholeCase | null = null;

  constructor(root: HTMLElement) {
    setLanguage(preferredLanguage(recall("language"), navigator.languages));
    this.isWall = parseAddress(location.hash).isWall;
    this.state = {
      language: language(),
      theme: this.isWall ? "dark" : preferredTheme(),
      tab: "list",
      day: dayIn(this.zone, Date.now()),
      latest: null,
      cases: new Map(),
      isLoading: true,
      isLive: false,
      filters: NO_FILTERS,
      rows: ROWS,
      chosen: null,
      whole: null,
      editor: keptEditor(),
      clicked: null,
      problem: null,
      now: Date.now(),
    };
    this.panel = new Panel(root, this, { previewed: (one) => this.previewed(one), saved: (one) => this.saved(one) }, this.isWall);
  }

  /** The MapLibre map, once the server has said where its tiles are. */
  get map(): CaseMap["map"] | null {
    return this.view?.map ?? null;
  }

  /** Show the page, the day's cases, the map; follow what happens. */
  async start(): Promise<void> {
    addEventListener("keydown", (event) => this.key(event));
    addEventListener("hashchange", () => void this.followAddress());
    setInterval(() => this.set({ now: Date.now() }), TICK_MS);
    this.render();
    void this.openMap();
    this.zone = await this.cityZone();
    setZone(this.zone);
    await this.load(parseAddress(location.hash).day ?? dayIn(this.zone, Date.now()));
    const { number } = parseAddress(location.hash);
    if (number !== null && !this.isWall) this.open(number);
    follow(
      (one) => this.happened(one),
      (isLive) => this.set({ isLive }),
    );
  }

  go(tab: Tab): void {
    this.set({ tab });
    if (tab === "form") this.panel.form.focus();
  }

  day(day: string): void {
    void this.load(day);
  }

  filter(filters: Partial<Filters>): void {
    this.set({ filters: { ...this.state.filters, ...filters }, rows: ROWS });
  }

  more(): void {
    this.set({ rows: this.state.rows + ROWS });
  }

  open(number: string): void {
    void this.openCase(number);
  }

  shut(): void {
    this.opening.abort();
    this.set({ chosen: null, whole: null, clicked: null });
    this.panel.renderPage(this.state);
    this.showHand();
    this.writeAddress();
  }

  act(action: string, body: Record<string, unknown>): void {
    void this.perform(action, body);
  }

  enter(editor: Editor | null): void {
    keepEditor(editor);
    this.set({ editor });
    this.panel.renderPage(this.state);
  }

  help(): void {
    this.panel.help.toggle();
  }

  wall(): void {
    location.hash = formatAddress({ day: this.state.day, number: null, isWall: !this.isWall });
    location.reload();
  }

  switchLanguage(): void {
    setLanguage(this.state.language === "zh" ? "en" : "zh");
    remember("language", language());
    this.set({ language: language() });
    this.panel.renderPage(this.state);
    void this.restyle();
  }

  switchTheme(): void {
    this.state.theme = this.state.theme === "light" ? "dark" : "light";
    remember("theme", this.state.theme);
    this.render();
    void this.restyle();
  }

  private set(changes: Partial<State>): void {
    Object.assign(this.state, changes);
    this.render();
  }

  private render(): void {
    this.panel.render(this.state);
    this.showCases();
  }

  private showCases(): void {
    const { cases, filters, chosen, now } = this.state;
    this.view?.showCases(shown(cases.values(), this.isWall ? NO_FILTERS : filters, now), chosen, now);
  }

  private showHand(): void {
    const { whole, clicked } = this.state;
    const hand = atHand(this.preview ?? whole);
    this.view?.showAtHand(clicked && !this.preview ? { ...hand, place: { ...clicked, uncertainty_m: null } } : hand);
  }

  private async load(day: string): Promise<void> {
    this.loading.abort();
    const loading = (this.loading = new AbortController());
    this.set({ day, cases: new Map(), isLoading: true, latest: null, rows: ROWS, problem: null });
    this.writeAddress();
    try {
      for await (const page of casesOf(day, dayAfter(day), loading.signal)) this.set({ cases: merged(this.state.cases, page) });
      if (this.state.cases.size === 0) {
        const newest = await newestCase(loading.signal);
        this.set({ latest: newest ? dayIn(this.zone, Date.parse(newest.reported_at)) : null });
      }
      this.set({ isLoading: false });
    } catch (error) {
      if (loading.signal.aborted) return;
      this.set({ problem: wordsOf(error), isLoading: false });
      setTimeout(() => loading === this.loading && void this.load(day), RETRY_MS);
    }
  }

  /** Something happened with a case, here or elsewhere. */
  private happened(one: Case): void {
    const { whole, chosen } = this.state;
    if (dayIn(this.zone, Date.parse(one.reported_at)) === this.state.day) {
      this.state.cases = merged(this.state.cases, [one]);
      this.waiting ??= setTimeout(() => {
        this.waiting = null;
        this.set({ latest: null, now: Date.now() });
      }, GATHER_MS);
    }
    if (whole !== null && one.number === chosen && one.version > whole.version) void this.openCase(one.number, false);
  }

  private async openCase(number: string, fly = true): Promise<void> {
    this.opening.abort();
    const opening = (this.opening = new AbortController());
    this.set({ chosen: number, ...(fly ? { clicked: null, problem: null } : {}) });
    this.panel.reveal(number);
    try {
      const whole = await wholeCase(number, opening.signal);
      this.meet(whole);
      if (fly && whole.position) this.view?.flyTo(whole.position.lon, whole.position.lat, CASE_ZOOM);
      else if (fly && whole.review?.candidates?.[0]) this.view?.flyTo(whole.review.candidates[0].lon, whole.review.candidates[0].lat, CASE_ZOOM);
      this.writeAddress();
    } catch (error) {
      if (!opening.signal.aborted) this.set({ problem: wordsOf(error) });
    }
  }

  /** Show a case that has just come from the server. */
  private meet(whole: WholeCase): void {
    const isOfDay = dayIn(this.zone, Date.parse(whole.reported_at)) === this.state.day;
    this.set({ whole, chosen: whole.number, ...(isOfDay ? { cases: merged(this.state.cases, [whole]) } : {}) });
    this.panel.renderPage(this.state);
    this.showHand();
  }

  private async perform(action: string, body: Record<string, unknown>): Promise<void> {
    const { whole, editor } = this.state;
    if (whole === null || editor === null) return;
    try {
      const done = await acted(whole, action, body, editor, new AbortController().signal);
      this.set({ clicked: null, problem: null });
      this.meet(done);
    } catch (error) {
      if (error instanceof Problem && error.status === 401) this.enter(null);
      if (error instanceof Problem && error.status === 412) await this.openCase(whole.number, false);
      this.set({ problem: error instanceof Problem && error.status === 412 ? w("changed") : wordsOf(error) });
    }
  }

  private previewed(one: WholeCase | null): void {
    const moved = one?.position && (one.position.lon !== this.preview?.position?.lon || one.position.lat !== this.preview.position.lat);
    this.preview = one;
    this.showHand();
    if (moved && one.position) this.view?.flyTo(one.position.lon, one.position.lat, CASE_ZOOM);
  }

  private saved(one: WholeCase): void {
    this.panel.announce(w("form.saved", { number: one.number }));
    this.state.tab = "list";
    void this.openCase(one.number);
  }

  private clicked(lon: number, lat: number): void {
    if (this.state.tab === "form") return this.panel.form.fill(lon, lat);
    if (this.state.whole?.state !== "needs_review") return;
    this.set({ clicked: { lon, lat } });
    this.panel.renderPage(this.state);
    this.showHand();
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape" && !this.panel.help.element.open) return this.escape();
    if (isTyping(event.target) || this.panel.help.element.open) return;
    const deed = this.deedOf(event.key);
    if (deed === null) return;
    event.preventDefault();
    deed();
  }

  private deedOf(key: string): (() => void) | null {
    if (key === "?") return () => this.help();
    if (key === "w") return () => this.wall();
    if (this.isWall) return null;
    if (/^[1-9]$/.test(key)) return () => document.getElementById(`candidate-${key}`)?.click();
    const deeds: Record<string, () => void> = {
      n: () => this.go("form"),
      l: () => this.go("list"),
      r: () => this.review(),
      b: () => this.go("batch"),
      "/": () => {
        this.go("list");
        this.panel.filters.focus();
      },
      j: () => this.step(1),
      k: () => this.step(-1),
      m: () => this.map?.getCanvas().focus(),
    };
    return deeds[key] ?? null;
  }

  private escape(): void {
    if (isTyping(document.activeElement)) (document.activeElement as HTMLElement).blur();
    else if (this.isWall) this.wall();
    else if (this.state.whole !== null) this.shut();
    else this.go("list");
  }

  /** The queue, with its first case open. */
  private review(): void {
    this.go("review");
    const first = reviewQueue(this.state.cases.values())[0];
    if (first && this.state.whole?.state !== "needs_review") this.open(first.number);
  }

  private step(by: number): void {
    const { tab, cases, filters, chosen, now } = this.state;
    const rows = tab === "review" ? reviewQueue(cases.values()) : shown(cases.values(), filters, now);
    const place = rows.findIndex(({ number }) => number === chosen);
    const next = rows[place < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, place + by))];
    if (next) this.open(next.number);
  }

  private async openMap(): Promise<void> {
    for (;;) {
      try {
        const served = await this.styles.get(this.state.theme, this.state.language);
        const tiles = await tileJsons(served);
        this.view = new CaseMap(this.panel.map, { served, tiles, theme: this.state.theme, heat: this.isWall }, { clicked: (lon, lat) => this.clicked(lon, lat), chosen: (number) => this.open(number) });
        this.showCases();
        this.showHand();
        return;
      } catch (error) {
        if (!(error instanceof Problem)) {
          console.warn(error);
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  private async restyle(): Promise<void> {
    const { theme, language: words } = this.state;
    const served = await this.styles.get(theme, words).catch(() => null);
    if (served && theme === this.state.theme && words === this.state.language) this.view?.setOptions({ served, theme });
  }

  private async cityZone(): Promise<string> {
    try {
      const { zone } = await getJson<{ zone: string }>("cases/statistics?by=state&since=2000-01-01&until=2000-01-02", new AbortController().signal);
      return zone;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return this.zone;
    }
  }

  private writeAddress(): void {
    const { day, whole } = this.state;
    const hash = formatAddress({ day, number: whole?.number ?? null, isWall: this.isWall });
    if (hash !== location.hash) history.replaceState(null, "", hash);
  }

  /** Somebody edited the address or went back: follow it. */
  private async followAddress(): Promise<void> {
    const { day, number, isWall } = parseAddress(location.hash);
    if (isWall !== this.isWall) return location.reload();
    if (day !== null && day !== this.state.day) await this.load(day);
    if (number !== null && number !== this.state.chosen) this.open(number);
  }
}

/** An editor's token is kept as long as the tab is open, and nowhere else. */
function keptEditor(): Editor | null {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem("gisgrid.editor") ?? "null");
    const { name, token } = (kept ?? {}) as Partial<Editor>;
    return typeof name === "string" && typeof token === "string" ? { name, token } : null;
  } catch {
    return null;
  }
}

function keepEditor(editor: Editor | null): void {
  try {
    if (editor === null) sessionStorage.removeItem("gisgrid.editor");
    else sessionStorage.setItem("gisgrid.editor", JSON.stringify(editor));
  } catch {
    // Strict settings refuse: the token then lasts as long as the page.
  }
}
