import { validateStyleMin } from "@maplibre/maplibre-gl-style-spec";
import type { LayerSpecification } from "maplibre-gl";
import { describe, expect, it, vi } from "vitest";

import type { Answer, TileJson } from "../src/api";
import { toIssues } from "../src/map/issues";
import { overlayFeatures } from "../src/map/overlay";
import { type ServedStyle, tileJsons } from "../src/map/served";
import { LAYER_IDS, type LayerId, makeStyle, owner, type StyleOptions } from "../src/map/style";
import { hiddenLayers, switchedLayers } from "../src/shown";

const COLOURS = ["halo", "grid_border", "community_border", "street_border", "district_border", "cover_damaged", "road_casing", "place", "address", "online", "offline", "fault"];
const SOURCES: Readonly<Record<string, readonly LayerId[]>> = {
  areas: ["districts", "streets", "communities", "grids"],
  roads: ["roads"],
  buildings: ["buildings"],
  addresses: ["addresses"],
  places: ["places"],
  manhole_covers: ["manhole_covers"],
  cameras: ["cameras"],
  quality_issues: ["quality_issues"],
};
const WORLD: [number, number, number, number] = [-180, -85, 180, 85];

/** A style as the server might give it: one line for each layer, issues hidden and anywhere. */
function served(without: readonly string[] = []): ServedStyle {
  const names = Object.keys(SOURCES).filter((name) => !without.includes(name));
  const line = (id: string, source: string): LayerSpecification => ({
    id,
    type: "line",
    source,
    "source-layer": id.split("/")[0]!,
    layout: { visibility: source === "quality_issues" ? "none" : "visible" },
  });
  return {
    version: 8,
    sources: Object.fromEntries(
      names.map((name) => [name, { type: "vector", url: `http://town.test/tiles/${name}.json`, ...(name === "quality_issues" ? { bounds: WORLD } : {}) }]),
    ),
    layers: [
      { id: "background", type: "background" },
      ...names.flatMap((name) => (name === "buildings" ? [line("buildings/area", name), line("buildings/solid", name)] : SOURCES[name]!.map((id) => line(`${id}/line`, name)))),
    ],
    metadata: {
      "gisgrid:place": "市北区",
      "gisgrid:colours": Object.fromEntries(COLOURS.map((name) => [name, "#123456"])),
      "gisgrid:legend": { manhole_covers: [], buildings: [] },
    },
  } as ServedStyle;
}

const JSON_OF_ALL: TileJson = { tiles: ["http://town.test/tiles/x/{z}/{x}/{y}.mvt"], minzoom: 4, maxzoom: 18, bounds: [120.3, 36, 120.5, 36.2], vector_layers: [] };

function options(changes: Partial<StyleOptions> = {}): StyleOptions {
  const tiles = Object.fromEntries(Object.keys(SOURCES).map((name) => [name, JSON_OF_ALL]));
  return { served: served(), tiles, theme: "light", hidden: new Set(), solid: false, ...changes };
}

describe("the style", () => {
  it.each(["light", "dark"] as const)("is sound by MapLibre's own specification, %s", (theme) => {
    expect(validateStyleMin(makeStyle(options({ theme, solid: true })))).toEqual([]);
  });

  it.each(LAYER_IDS)("draws %s, and not when it is hidden", (id) => {
    const drawn = (hidden: ReadonlySet<typeof id>): string[] =>
      makeStyle(options({ hidden })).layers.filter((layer) => owner(layer.id) === id && layer.layout?.visibility !== "none").map((layer) => layer.id);
    expect(drawn(new Set()).length).toBeGreaterThan(0);
    expect(drawn(new Set([id]))).toEqual([]);
  });

  it("draws buildings with their heights only when that is wanted", () => {
    const solid = (wanted: boolean): unknown => makeStyle(options({ solid: wanted })).layers.find(({ id }) => id === "buildings/solid")?.layout?.visibility;
    expect([solid(false), solid(true)]).toEqual(["none", "visible"]);
  });

  it("keeps the server's layers in their order, with the console's own between and over them", () => {
    const ids = makeStyle(options()).layers.map(({ id }) => id);
    const given = served().layers.map(({ id }) => id);
    expect(ids.filter((id) => given.includes(id))).toEqual(given);
    const at = (id: string): number => ids.indexOf(id);
    expect(at("selected/doubt")).toBe(at("buildings/area") - 2);
    expect(at("selected/building")).toBe(at("buildings/solid") - 1);
    expect(ids.at(-1)).toBe("overlay/pin");
  });

  it("needs no TileJSON from MapLibre, and asks for issues beyond where there were any when the page was opened", () => {
    const sources = makeStyle(options()).sources as Record<string, { url?: string; bounds?: number[]; type: string }>;
    expect(Object.values(sources).filter((source) => source.url)).toEqual([]);
    expect(sources["areas"]?.bounds).toEqual(JSON_OF_ALL.bounds);
    expect(sources["quality_issues"]?.bounds).toEqual(WORLD);
  });

  it("is sound without a layer that the server does not show", () => {
    const style = makeStyle(options({ served: served(["cameras"]) }));
    expect(validateStyleMin(style)).toEqual([]);
    expect(style.layers.filter((layer) => "source" in layer && layer.source === "cameras")).toEqual([]);
  });

  it("names the TileJSON of each of its sources", async () => {
    const asked: string[] = [];
    vi.stubGlobal("fetch", (url: string) => {
      asked.push(url);
      return Promise.resolve(new Response(JSON.stringify(JSON_OF_ALL)));
    });
    expect(Object.keys(await tileJsons(served()))).toEqual(Object.keys(SOURCES));
    expect(asked).toEqual(Object.keys(SOURCES).map((name) => `http://town.test/tiles/${name}.json`));
    vi.unstubAllGlobals();
  });
});

describe("the layers shown", () => {
  it("are all but the issues, as long as the reader has switched none", () => {
    expect([...hiddenLayers(null)]).toEqual(["quality_issues"]);
    expect(switchedLayers(hiddenLayers(null))).toBe("");
  });

  it.each<LayerId[][]>([[[]], [["quality_issues"]], [["cameras"]], [["quality_issues", "cameras", "grids"]]])("come back with %j hidden", (...hidden) => {
    expect([...hiddenLayers(switchedLayers(new Set(hidden[0])))]).toEqual(hidden[0]);
  });
});

describe("issues under the pointer", () => {
  const properties = { code: "gap", severity: "warning", layer: "grids", feature_code: "370203001001001", message: "A gap of 1 m" };

  it("come once each, the gravest first", () => {
    const found = toIssues([
      { id: 3, properties: { ...properties, severity: "info" } },
      { id: 2, properties },
      { id: 2, properties },
      { id: 9, properties: { ...properties, severity: "error" } },
      { id: 1, properties },
    ]);
    expect(found.map(({ id }) => id)).toEqual([9, 1, 2, 3]);
    expect(found[1]).toEqual({ id: 1, severity: "warning", code: "gap", layer: "grids", featureCode: "370203001001001", message: "A gap of 1 m" });
  });

  it("may lack what tiles leave out", () => {
    expect(toIssues([{ id: 1, properties: { code: "gap", severity: "odd", layer: "grids" } }])).toMatchObject([{ severity: "info", featureCode: "", message: "" }]);
  });
});

describe("an answer on the map", () => {
  const neighbour = { id: 1, code: "3702030101000001", lon: 120.4, lat: 36.1, distance_m: 12.34, bearing_deg: 10, properties: {} };
  const answer = { point: { lon: 120.3, lat: 36 }, manhole_covers: [neighbour], cameras: [] } as unknown as Answer;

  it("is a line to each object, a ring around it, and the point", () => {
    const { features } = overlayFeatures(answer, null);
    expect(features.map((feature) => feature.properties?.["role"])).toEqual(["link", "target", "pin"]);
    expect(features[0]?.geometry).toEqual({ type: "LineString", coordinates: [[120.3, 36], [120.4, 36.1]] });
    expect(features[1]?.properties).toMatchObject({ text: "12.3 m", chosen: false });
  });

  it("makes the chosen object stand out", () => {
    const { features } = overlayFeatures(answer, { layer: "manhole_covers", code: neighbour.code });
    expect(features.filter((feature) => feature.properties?.["chosen"])).toHaveLength(2);
  });

  it("is nothing when there is none", () => {
    expect(overlayFeatures(null, null).features).toEqual([]);
  });
});
