/** The layer panel: what is shown, and what the colours mean. */

import type { Actions, State } from "../app";
import { el, icon, ICONS } from "../dom";
import { t } from "../i18n";
import { statusColor } from "../map/images";
import { SEVERITIES, type Severity, severityColor } from "../map/issues";
import { PALETTES } from "../map/palette";
import type { Colours, Kind, Metadata } from "../map/served";
import { LAYER_IDS, type LayerId } from "../map/style";

/** Build the panel; `zooms` is the zoom from which each layer has tiles. Colours and legends come with the style. */
export function layerPanel(state: State, zooms: Readonly<Record<string, number>>, actions: Actions): HTMLElement {
  return el(
    "div",
    { class: "layer-list" },
    ...LAYER_IDS.map((id) => layerItem(id, state, zooms[id] ?? 0, actions)),
    el(
      "label",
      { class: "layer-name solid" },
      el("input", { type: "checkbox", id: "solid", checked: state.solid, onchange: () => actions.toggleSolid() }),
      el("span", {}, t("layers.3d")),
    ),
  );
}

function layerItem(id: LayerId, state: State, from: number, actions: Actions): HTMLElement {
  const tooFar = state.zoom < from;
  const legend = state.about ? LEGENDS[id](state, state.about["gisgrid:colours"], state.about["gisgrid:legend"]) : [];
  return el(
    "div",
    { class: `layer${tooFar ? " far" : ""}`, "data-layer": id },
    el(
      "label",
      { class: "layer-name" },
      el("input", { type: "checkbox", id: `layer-${id}`, checked: !state.hidden.has(id), onchange: () => actions.toggleLayer(id) }),
      state.about && key(id, state.about),
      el("span", {}, t(`layer.${id}`)),
      tooFar && el("small", { class: "faint" }, t("layers.from", { zoom: from })),
    ),
    legend.length > 0 &&
      el("details", { class: "legend", open: false }, el("summary", { "aria-label": `${t("layers.legend")}: ${t(`layer.${id}`)}` }, icon(ICONS.chevron)), el("ul", {}, ...legend)),
  );
}

const SEVERITY_SIGNS: Readonly<Record<Severity, string>> = { error: "diamond", warning: "triangle", info: "dot" };

/** The small sign before a layer's name. */
function key(id: LayerId, about: Metadata): HTMLElement {
  const colours = about["gisgrid:colours"];
  const first = (layer: "manhole_covers" | "buildings"): string => about["gisgrid:legend"][layer][0]?.color ?? colours.offline;
  const signs: Record<LayerId, [string, string]> = {
    quality_issues: [SEVERITY_SIGNS.error, colours.issue_error],
    cameras: ["dot", colours.online],
    manhole_covers: ["dot", first("manhole_covers")],
    places: ["dot", colours.place],
    addresses: ["dot", colours.address],
    buildings: ["area", first("buildings")],
    roads: ["line thick", colours.road_casing],
    grids: ["line", colours.grid_border],
    communities: ["line dashed", colours.community_border],
    streets: ["line thick", colours.street_border],
    districts: ["line thickest", colours.district_border],
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

type Legend = (state: State, colours: Colours, kinds: Metadata["gisgrid:legend"]) => HTMLElement[];

const LEGENDS: Readonly<Record<LayerId, Legend>> = {
  quality_issues: (_state, colours) =>
    SEVERITIES.map((severity) => entry(SEVERITY_SIGNS[severity], severityColor(severity, colours), t(`value.${severity}`))),
  cameras: (_state, colours) => [
    ...(["online", "offline", "fault"] as const).map((status) => entry("sector", statusColor(status, colours), t(`value.${status}`))),
    note(t("legend.view")),
    note(t("legend.many")),
  ],
  manhole_covers: (_state, colours, kinds) => [
    ...kinds.manhole_covers.map((kind) => kindEntry("dot signed", kind)),
    entry("ring", colours.cover_damaged, t("legend.damaged")),
    note(t("legend.many")),
  ],
  buildings: (_state, _colours, kinds) => [...kinds.buildings.map((kind) => kindEntry("ramp", kind)), note(t("legend.height"))],
  grids: (state, colours) => [
    entry("line", colours.grid_border, t("legend.border")),
    entry("line thick", PALETTES[state.theme].selected, t("legend.grid.selected")),
    entry("line thick dashed", PALETTES[state.theme].candidate, t("legend.grid.candidate")),
  ],
  places: () => [],
  addresses: () => [],
  roads: () => [],
  communities: () => [],
  streets: () => [],
  districts: () => [],
};

function kindEntry(shape: string, kind: Kind): HTMLElement {
  return entry(shape, kind.color, kind.title, kind.sign);
}
