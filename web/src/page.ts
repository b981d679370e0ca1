/** The page around the map: heading, query, answer, layers, notices. */

import type { Actions, State } from "./app";
import { el, icon, ICONS, keepingFocus } from "./dom";
import { fieldValue } from "./format";
import { t } from "./i18n";
import type { Hovered, Padding } from "./map/view";
import { answerCard } from "./panel/answer";
import { PointForm } from "./panel/form";
import { issuesCard } from "./panel/issues";
import { layerPanel } from "./panel/layers";
import { Notices } from "./panel/notices";

const WIDE = "(min-width: 760px)";

export class Page {
  readonly map = el("div", { class: "map", id: "map" });
  readonly form: PointForm;
  readonly notices = new Notices();
  private readonly head = el("header", { class: "head" });
  private readonly result = el("div", { class: "result", id: "result" });
  private readonly layers = el("div", { class: "layers-body", id: "layers" });
  private readonly layersButton = el("button", { type: "button", class: "tool", "aria-controls": "layers", onclick: () => this.foldLayers() });
  private readonly tools = el("div", { class: "tools" });
  private readonly tip = el("div", { class: "tip", hidden: true, "aria-hidden": "true" });
  private readonly live = el("div", { class: "sr", role: "status", "aria-live": "polite" });
  private readonly skip = el("a", { class: "skip", href: "#query" });
  private readonly side: HTMLElement;
  private open = matchMedia(WIDE).matches;

  constructor(
    root: HTMLElement,
    private readonly actions: Actions,
  ) {
    this.form = new PointForm(actions);
    this.skip.addEventListener("click", (event) => {
      event.preventDefault();
      document.getElementById("first")?.focus();
    });
    this.side = el("main", { class: "side" }, this.head, this.form.element, this.notices.element, this.result);
    root.append(this.skip, this.side, el("aside", { class: "layers" }, this.layersButton, this.layers), this.tools, this.map, this.tip, this.live);
  }

  /** Build everything anew for `state`; the keyboard stays where it was. */
  render(state: State, zooms: Readonly<Record<string, number>>): void {
    keepingFocus(() => this.build(state, zooms));
  }

  /** After a movement only the zoom and the compass have changed. */
  renderMoved(state: State, zooms: Readonly<Record<string, number>>): void {
    this.renderLayers(state, zooms);
    this.renderTools(state);
  }

  private build(state: State, zooms: Readonly<Record<string, number>>): void {
    document.documentElement.lang = state.language === "zh" ? "zh-CN" : "en";
    document.documentElement.dataset["theme"] = state.theme;
    document.title = [place(state), t("app.title"), "gisgrid"].filter((part) => part !== "").join(" · ");
    this.skip.textContent = t("app.skip");
    this.renderHead(state);
    this.form.render();
    this.renderResult(state);
    this.renderLayers(state, zooms);
    this.renderTools(state);
  }

  private renderLayers(state: State, zooms: Readonly<Record<string, number>>): void {
    const label = t(this.open ? "layers.hide" : "layers.show");
    this.layersButton.replaceChildren(icon(ICONS.layers), el("span", {}, t("layers.title")));
    this.layersButton.setAttribute("aria-expanded", String(this.open));
    this.layersButton.setAttribute("aria-label", label);
    this.layersButton.title = label;
    this.layers.hidden = !this.open;
    keepingPlace(this.layers, () => layerPanel(state, zooms, this.actions));
  }

  /** The part of the map that panels cover, so that what is shown comes to stand beside them. */
  covered(): Padding {
    const { width, height } = this.side.getBoundingClientRect();
    return matchMedia(WIDE).matches ? { left: width } : { bottom: Math.min(height, innerHeight / 2) };
  }

  announce(text: string): void {
    this.live.textContent = text;
  }

  /** Say beside the pointer what lies under it. */
  hover(feature: Hovered | null, x: number, y: number): void {
    const text = feature ? describe(feature) : "";
    this.tip.textContent = text;
    this.tip.hidden = text === "";
    this.tip.style.transform = `translate(${Math.min(x + 14, innerWidth - 220)}px, ${y + 16}px)`;
  }

  private renderHead(state: State): void {
    const theme = state.theme === "light" ? "dark" : "light";
    this.head.replaceChildren(
      el("h1", {}, el("span", { class: "seal", "aria-hidden": "true" }), el("span", {}, place(state) || "gisgrid", el("small", {}, t("app.title")))),
      el(
        "button",
        { type: "button", class: "quiet", id: "theme", title: t("app.theme.hint"), "aria-label": t(`app.theme.${theme}`), onclick: () => this.actions.switchTheme() },
        icon(theme === "dark" ? ICONS.moon : ICONS.sun),
      ),
      el("button", { type: "button", class: "quiet", id: "language", title: t("app.language.hint"), onclick: () => this.actions.switchLanguage() }, t("app.language")),
    );
  }

  private renderResult(state: State): void {
    const cards = [issuesCard(state.issues), answerCard(state, this.actions)];
    const { scrollTop } = this.side;
    this.result.replaceChildren(...cards.filter((card) => card !== null));
    this.side.scrollTop = scrollTop;
    document.body.dataset["outcome"] = state.outcome.kind;
  }

  private renderTools({ bearing, solid }: State): void {
    const tool = (id: string, label: string, content: Node | string, act: () => void): HTMLElement =>
      el("button", { type: "button", class: "tool", id, title: label, "aria-label": label, onclick: act }, content);
    const needle = icon(ICONS.north);
    needle.style.transform = `rotate(${-bearing}deg)`;
    const turned = Math.abs(bearing) > 0.5 || solid;
    keepingFocus(() =>
      this.tools.replaceChildren(
        ...(turned ? [tool("tool-north", t("map.north"), needle, () => this.actions.north())] : []),
        tool("tool-in", t("map.zoom.in"), "+", () => this.actions.zoom(1)),
        tool("tool-out", t("map.zoom.out"), "−", () => this.actions.zoom(-1)),
        tool("tool-home", t("layers.home"), icon(ICONS.home), () => this.actions.home()),
      ),
    );
  }

  private foldLayers(): void {
    this.open = !this.open;
    this.layers.hidden = !this.open;
    this.layersButton.setAttribute("aria-expanded", String(this.open));
  }
}

/** Replace the content of `element`, keeping the focus and which of its details are open. */
function keepingPlace(element: HTMLElement, build: () => HTMLElement): void {
  const unfolded = [...element.querySelectorAll("details")].map((details) => details.open);
  const next = build();
  next.querySelectorAll("details").forEach((details, index) => (details.open = unfolded[index] ?? false));
  keepingFocus(() => element.replaceChildren(next));
}

/** One line for a feature: its name, or address, or code. */
function describe({ layer, properties }: Hovered): string {
  const text = (name: string): string => fieldValue(name, properties[name]) ?? "";
  if (layer === "buildings") return [text("address") || text("name"), text("use")].filter(Boolean).join(" · ");
  if (layer === "cameras") return [text("name") || text("kind"), text("status")].filter(Boolean).join(" · ");
  if (layer === "manhole_covers") return [text("name"), text("state"), text("code")].filter(Boolean).join(" · ");
  if (layer === "quality_issues") return [text("severity"), text("message") || text("code")].filter(Boolean).join(" · ");
  return [text("name"), text("code")].filter(Boolean).join(" · ");
}

function place(state: State): string {
  return state.about?.["gisgrid:place"] ?? "";
}
