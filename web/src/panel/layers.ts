/** The layer panel: what is shown, and what the colours mean. */

import type { Actions, State } from "../app";
import { el, icon, ICONS } from "../dom";
import { t } from "../i18n";
import { statusColor } from "../map/images";
import { SEVERITIES, type Severity, severityColor } from "../map/issues";
import { BUILDING_USES, COVER_KINDS, OTHER_COVER, OTHER_USE, PALETTES, type Palette } from "../map/palette";
import { LAYER_IDS, type LayerId } from "../map/style";

/** Build the panel; `zooms` is the zoom from which each layer has tiles. */
export function layerPanel(state: State, zooms: Readonly<Record<string, number>>, actions: Actions): HTMLElement {
  const palette = PALETTES[state.theme];
  return el(
    "div",
    { class: "layer-list" },
    ...LAYER_IDS.map((id) => layerItem(id, state, zooms[id] ?? 0, palette, actions)),
    el(
      "label",
      { class: "layer-name solid" },
      el("input", { type: "checkbox", id: "solid", checked: state.solid, onchange: () => actions.toggleSolid() }),
      el("span", {}, t("layers.3d")),
    ),
  );
}

function layerItem(id: LayerId, state: State, from: number, palette: Palette, actions: Actions): HTMLElement {
  const tooFar = state.zoom < from;
  const legend = LEGENDS[id](state, palette);
  return el(
    "div",
    { class: `layer${tooFar ? " far" : ""}`, "data-layer": id },
    el(
      "label",
      { class: "layer-name" },
      el("input", { type: "checkbox", id: `layer-${id}`, checked: !state.hidden.has(id), onchange: () => actions.toggleLayer(id) }),
      key(id, palette),
      el("span", {}, t(`layer.${id}`)),
      tooFar && el("small", { class: "faint" }, t("layers.from", { zoom: from })),
    ),
    legend.length > 0 &&
      el("details", { class: "legend", open: false }, el("summary", { "aria-label": `${t("layers.legend")}: ${t(`layer.${id}`)}` }, icon(ICONS.chevron)), el("ul", {}, ...legend)),
  );
}

const SEVERITY_SIGNS: Readonly<Record<Severity, string>> = { error: "diamond", warning: "triangle", info: "dot" };

/** The small sign before a layer's name. */
function key(id: LayerId, palette: Palette): HTMLElement {
  const signs: Record<LayerId, [string, string]> = {
    quality_issues: [SEVERITY_SIGNS.error, palette.issueError],
    cameras: ["dot", palette.online],
    manhole_covers: ["dot", COVER_KINDS[0]?.color ?? palette.coverLink],
    buildings: ["area", BUILDING_USES[0]?.light[1] ?? palette.buildingBorder],
    grids: ["line", palette.gridBorder],
    communities: ["line dashed", palette.communityBorder],
    streets: ["line thick", palette.streetBorder],
    districts: ["line thickest", palette.districtBorder],
  };
  return swatch(...signs[id]);
}

function swatch(kind: string, color: string, sign = ""): HTMLElement {
  const element = el("span", { class: `swatch ${kind}`, "aria-hidden": "true" }, sign);
  element.style.setProperty("--color", color);
  return element;
}

function entry(kind: string, color: string, text: string, sign = ""): HTMLElement {
  return el("li", {}, swatch(kind, color, sign), el("span", {}, text));
}

function note(text: string): HTMLElement {
  return el("li", { class: "faint note" }, text);
}

type Legend = (state: State, palette: Palette) => HTMLElement[];

const LEGENDS: Readonly<Record<LayerId, Legend>> = {
  quality_issues: (_state, palette) =>
    SEVERITIES.map((severity) => entry(SEVERITY_SIGNS[severity], severityColor(severity, palette), t(`value.${severity}`))),
  cameras: (_state, palette) => [
    ...(["online", "offline", "fault"] as const).map((status) => entry("sector", statusColor(status, palette), t(`value.${status}`))),
    note(t("legend.view")),
  ],
  manhole_covers: (state, palette) => [
    ...[...COVER_KINDS, OTHER_COVER].map((kind) => entry("dot signed", kind.color, t(kind.key), kind[state.language])),
    entry("ring", palette.coverDamaged, t("legend.damaged")),
  ],
  buildings: (state) => [
    ...[...BUILDING_USES, OTHER_USE].map((use) => entry("ramp", use[state.theme][1], t(use.key))),
    note(t("legend.height")),
  ],
  grids: (_state, palette) => [
    entry("line", palette.gridBorder, t("legend.border")),
    entry("line thick", palette.selected, t("legend.grid.selected")),
    entry("line thick dashed", palette.candidate, t("legend.grid.candidate")),
  ],
  communities: () => [],
  streets: () => [],
  districts: () => [],
};
