import { describe, expect, it } from "vitest";

import { CRS_IDS } from "../src/crs";
import { formatHash, parseHash, toNumber } from "../src/hash";

describe("the address after #", () => {
  it("comes back as it was written, in every coordinate system", () => {
    for (const crs of CRS_IDS) {
      const state = { map: { zoom: 15.25, lat: 36.0871, lon: 120.3747 }, point: { first: 120.374701, second: 36.087102, crs } };
      expect(parseHash(formatHash(state))).toEqual(state);
    }
  });

  it("is written so that people can read it", () => {
    const point = { first: 533747.219, second: 3995272.267, crs: "EPSG:4549" } as const;
    expect(formatHash({ map: { zoom: 16, lat: 36.0871, lon: 120.3747 }, point })).toBe(
      "#map=16/36.08710/120.37470&point=533747.219,3995272.267,EPSG:4549",
    );
  });

  it("may hold the map or the point alone, or nothing", () => {
    expect(parseHash("#map=12/36/120")).toEqual({ map: { zoom: 12, lat: 36, lon: 120 }, point: null });
    expect(parseHash("#point=120.38,36.08,gcj02")).toEqual({ map: null, point: { first: 120.38, second: 36.08, crs: "gcj02" } });
    expect(formatHash({ map: null, point: null })).toBe("");
  });

  it("understands escaped commas and colons", () => {
    expect(parseHash("#point=1%2C2%2CEPSG%3A4528").point).toEqual({ first: 1, second: 2, crs: "EPSG:4528" });
  });

  it.each([
    "#map=12/36",
    "#map=12/36/120/0",
    "#map=99/36/120",
    "#map=12/136/120",
    "#map=a/b/c",
    "#map=//",
    "#point=1,2",
    "#point=1,2,EPSG:3857",
    "#point=1,2,wgs84,3",
    "#point=,2,wgs84",
    "#point=NaN,2,wgs84",
    "#point=1e3,2,wgs84",
    "#point=Infinity,2,wgs84",
    "#point=<b>,2,wgs84",
  ])("ignores %s", (hash) => {
    expect(parseHash(hash)).toEqual({ map: null, point: null });
  });
});

describe("a typed number", () => {
  it.each([
    ["120.38", 120.38],
    [" -36 ", -36],
    ["+.5", 0.5],
    ["7.", 7],
  ])("%s is read", (text, value) => expect(toNumber(text)).toBe(value));

  it.each(["", " ", "1e5", "0x10", "1,2", "12°", "NaN", "--1", "."])("%j is refused", (text) => expect(toNumber(text)).toBeNaN());
});
