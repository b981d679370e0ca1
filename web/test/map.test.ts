import { validateStyleMin } from "@maplibre/maplibre-gl-style-spec";
import { describe, expect, it, vi } from "vitest";

import type { Answer, TileJson } from "../src/api";
import { insideDepth, labelPoint, type Ring, signedArea } from "../src/map/geometry";
import { coveringTiles, shortName } from "../src/map/labels";
import { toIssues } from "../src/map/issues";
import { overlayFeatures } from "../src/map/overlay";
import { COVER_KINDS } from "../src/map/palette";
import { LAYER_IDS, type LayerId, makeStyle, owner, SOURCES, type StyleOptions } from "../src/map/style";
import { hiddenLayers, switchedLayers } from "../src/shown";

vi.stubGlobal("location", { origin: "http://console.test", pathname: "/" });

const SQUARE: Ring = [[0, 0], [10, 0], [10, 10], [0, 10]];
const HORSESHOE: Ring = [[0, 0], [30, 0], [30, 10], [10, 10], [10, 20], [30, 20], [30, 30], [0, 30]];

function options(changes: Partial<StyleOptions> = {}): StyleOptions {
  const json = (layers: readonly string[]): TileJson => ({
    tiles: [`/tiles/${layers.join(",")}/{z}/{x}/{y}.mvt`],
    minzoom: 4,
    maxzoom: 18,
    bounds: [120.3, 36, 120.5, 36.2],
    vector_layers: layers.map((id) => ({ id })),
  });
  const tiles = Object.fromEntries(Object.entries(SOURCES).map(([name, layers]) => [name, json(layers)]));
  return { tiles, theme: "light", language: "zh", hidden: new Set(), solid: false, ...changes };
}

describe("the style", () => {
  it.each([
    ["light", "zh"],
    ["dark", "en"],
  ] as const)("is sound by MapLibre's own specification, %s and %s", (theme, language) => {
    expect(validateStyleMin(makeStyle(options({ theme, language, solid: true })))).toEqual([]);
  });

  it("asks no other host for anything", () => {
    const hosts = JSON.stringify(makeStyle(options())).match(/https?:\/\/[^/"]+/g) ?? [];
    expect(new Set(hosts)).toEqual(new Set(["http://console.test"]));
    expect(makeStyle(options())).not.toHaveProperty("glyphs");
    expect(makeStyle(options())).not.toHaveProperty("sprite");
  });

  it.each(LAYER_IDS)("draws %s, and not when it is hidden", (id) => {
    const drawn = (hidden: ReadonlySet<typeof id>): string[] =>
      makeStyle(options({ hidden })).layers.filter((layer) => owner(layer.id) === id && layer.layout?.visibility !== "none").map((layer) => layer.id);
    expect(drawn(new Set()).length).toBeGreaterThan(0);
    expect(drawn(new Set([id]))).toEqual([]);
  });

  it("asks for issues beyond where there were any when the page was opened", () => {
    const { sources } = makeStyle(options());
    expect(Object.keys(sources).filter((name) => sources[name]?.type === "vector" && !("bounds" in sources[name]))).toEqual(["quality_issues"]);
  });

  it("gives no kind of cover two colours", () => {
    const names = COVER_KINDS.flatMap((kind) => kind.names);
    expect(new Set(names).size).toBe(names.length);
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

describe("places for names", () => {
  it("are inside, also in shapes whose middle is not", () => {
    const [x, y] = labelPoint(SQUARE);
    expect(Math.hypot(x - 5, y - 5)).toBeLessThan(0.5);
    expect(insideDepth([15, 15], HORSESHOE)).toBeLessThan(0);
    expect(insideDepth(labelPoint(HORSESHOE), HORSESHOE)).toBeGreaterThan(4.5);
  });

  it("know the sense of rings", () => {
    expect(signedArea(SQUARE)).toBe(100);
    expect(signedArea([...SQUARE].reverse())).toBe(-100);
  });

  it("come from a few tiles, however wide the data are", () => {
    expect(coveringTiles([120.3, 36.05, 120.45, 36.16], 12)).toContainEqual([12, 3417, 1607]);
    expect(coveringTiles([-180, -85, 180, 85], 12).length).toBeLessThanOrEqual(24);
    expect(coveringTiles([120.37, 36.08, 120.37, 36.08], 12)).toHaveLength(1);
  });

  it("drop the office from a community's name and the community from a grid's", () => {
    expect(shortName("辽宁路街道科技街社区第12网格")).toBe("第12网格");
    expect(shortName("A0312")).toBe("A0312");
    expect(shortName("科技街社区居委会")).toBe("科技街社区");
    expect(shortName("云溪社区居民委员会")).toBe("云溪社区");
    expect(shortName("居委会")).toBe("居委会");
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
