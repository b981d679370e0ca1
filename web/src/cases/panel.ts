/** The page around the map of cases: heading, tabs, and what is in them. */

import { el, icon, ICONS, keepingFocus } from "../dom";
import { BatchPanel } from "./batch";
import { CaseForm, type FormEvents } from "./form";
import { Help } from "./help";
import { caseList, FilterBar, reviewList } from "./list";
import { reviewQueue } from "./model";
import { casePage } from "./one";
import { type Actions, type State, TABS } from "./state";
import { clock, w } from "./words";
import { wallParts } from "./wall";

export class Panel {
  readonly map = el("div", { class: "map", id: "map" });
  readonly form: CaseForm;
  readonly batch = new BatchPanel();
  readonly help = new Help();
  readonly filters: FilterBar;
  private readonly head = el("header", { class: "head" });
  private readonly tabs = el("nav", { class: "tabs", role: "tablist" });
  private readonly body = el("div", { class: "body", id: "body" });
  private readonly page = el("aside", { class: "page", id: "page" });
  private readonly aside: HTMLElement;
  private readonly notice = el("p", { class: "notice", role: "status", hidden: true });
  private readonly live = el("div", { class: "sr", role: "status", "aria-live": "polite" });
  private readonly wallNumbers = el("div", { class: "wall-top" });
  private readonly wallSide = el("div", { class: "wall-side" });
  private readonly wallLate = el("div", { class: "wall-bottom" });
  private readonly side: HTMLElement;

  constructor(
    root: HTMLElement,
    private readonly actions: Actions,
    events: FormEvents,
    private readonly isWall: boolean,
  ) {
    this.form = new CaseForm(events);
    this.filters = new FilterBar(actions);
    this.aside = el("aside", { class: "page", id: "preview-page", hidden: true }, this.form.preview);
    this.side = el("main", { class: "desk" }, this.head, this.tabs, this.notice, this.filters.element, this.form.element, this.batch.element, this.body);
    document.body.classList.toggle("wall", isWall);
    if (isWall) root.append(this.wallNumbers, this.wallSide, this.map, this.wallLate, this.help.element);
    else root.append(this.side, this.page, this.aside, this.map, this.help.element, this.live);
    if (!isWall) this.batch.listen(document.body, () => actions.go("batch"));
  }

  announce(text: string): void {
    this.live.textContent = text;
  }

  /** Build everything anew for `state`; the keyboard stays where it was, and so does what is being typed. */
  render(state: State): void {
    document.documentElement.lang = state.language === "zh" ? "zh-CN" : "en";
    document.documentElement.dataset["theme"] = this.isWall ? "dark" : state.theme;
    document.title = `${w("title")} · gisgrid`;
    if (this.isWall) return this.renderWall(state);
    keepingFocus(() => {
      this.renderHead(state);
      this.renderTabs(state);
      this.renderBody(state);
    });
  }

  /** The page of the open case alone: it holds fields, which are kept while the list goes on. */
  renderPage(state: State): void {
    keepingFocus(() => {
      const page = casePage(state, this.actions);
      this.page.replaceChildren(...(page ? [page] : []));
      this.showPages(state);
    });
  }

  /** Bring the chosen row of the list into sight. */
  reveal(number: string): void {
    document.getElementById(`case-${number}`)?.scrollIntoView({ block: "nearest" });
  }

  private renderHead(state: State): void {
    const theme = state.theme === "light" ? "dark" : "light";
    const tool = (id: string, label: string, act: () => void, content: Node | string): HTMLElement =>
      el("button", { type: "button", class: "quiet", id, title: label, "aria-label": label, onclick: act }, content);
    const day = el("input", { type: "date", id: "day", value: state.day, "aria-label": w("day"), onchange: () => day.value !== "" && this.actions.day(day.value) });
    this.head.replaceChildren(
      el("h1", {}, el("span", { class: "seal", "aria-hidden": "true" }), w("title")),
      el("span", { class: state.isLive ? "pulse on" : "pulse", title: w(state.isLive ? "live" : "offline") }, w(state.isLive ? "live" : "offline")),
      el("div", { class: "head-tools" }, day, tool("wall", w("link.wall"), () => this.actions.wall(), w("link.wall")), tool("keys", w("link.help"), () => this.actions.help(), "?"), tool("theme", theme, () => this.actions.switchTheme(), icon(theme === "dark" ? ICONS.moon : ICONS.sun)), tool("language", state.language === "zh" ? "English" : "中文", () => this.actions.switchLanguage(), state.language === "zh" ? "EN" : "中"), el("a", { class: "quiet", href: "./", id: "console" }, w("link.console"))),
    );
  }

  private renderTabs(state: State): void {
    const waiting = reviewQueue(state.cases.values()).length;
    this.tabs.replaceChildren(
      ...TABS.map((tab) =>
        el("button", { type: "button", role: "tab", id: `tab-${tab}`, "aria-selected": String(tab === state.tab), "aria-controls": "body", onclick: () => this.actions.go(tab) }, w(`tab.${tab}`), tab === "review" && waiting > 0 ? el("b", { class: "badge" }, String(waiting)) : null),
      ),
    );
  }

  private renderBody(state: State): void {
    const { tab } = state;
    this.notice.hidden = state.problem === null && !state.isLoading;
    this.notice.textContent = state.problem ?? (state.isLoading ? w("loading") : "");
    this.filters.element.hidden = tab !== "list";
    this.form.element.hidden = tab !== "form";
    this.batch.element.hidden = tab !== "batch";
    this.showPages(state);
    this.filters.render(state);
    this.form.render();
    this.batch.render();
    const { scrollTop } = this.body;
    this.body.replaceChildren(...(tab === "list" ? [caseList(state, this.actions)] : tab === "review" ? [reviewList(state, this.actions)] : []));
    this.body.scrollTop = scrollTop;
  }

  /** Beside the form stands what would be decided, else the case that is open. */
  private showPages({ tab, whole }: State): void {
    this.aside.hidden = tab !== "form";
    this.page.hidden = tab === "form" || whole === null;
  }

  private renderWall(state: State): void {
    const { numbers, side, late } = wallParts(state);
    const time = el("div", { class: "wall-clock" }, el("b", {}, clock(state.now)), el("span", {}, state.day));
    this.wallNumbers.replaceChildren(numbers, time);
    this.wallSide.replaceChildren(side);
    this.wallLate.replaceChildren(late);
  }
}
