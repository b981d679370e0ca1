import { beforeEach, describe, expect, it } from "vitest";

import { coordinateNames, toProblem } from "../src/api";
import { splitPair } from "../src/crs";
import { bearing, distance, fieldValue, pair } from "../src/format";
import { setLanguage } from "../src/i18n";
import { problemTitle } from "../src/panel/answer";

beforeEach(() => setLanguage("zh"));

describe("distances", () => {
  it.each([
    [0, "0.00 m"],
    [0.456, "0.46 m"],
    [12.34, "12.3 m"],
    [463.4, "463 m"],
    [999.7, "1.00 km"],
    [12_345, "12.3 km"],
  ])("%d metres", (metres, text) => expect(distance(metres)).toBe(text));
});

describe("directions", () => {
  it.each([
    [0, "北"],
    [22.6, "东北"],
    [90, "东"],
    [359, "北"],
    [-90, "西"],
    [720, "北"],
  ])("%d degrees", (degrees, text) => expect(bearing(degrees)).toBe(text));
});

describe("values of fields", () => {
  it("carry their units and words", () => {
    expect(fieldValue("height_m", 18.299999)).toBe("18.3 m");
    expect(fieldValue("azimuth_deg", 135)).toBe("135°");
    expect(fieldValue("floors", 6)).toBe("6");
    expect(fieldValue("size", "700")).toBe("700 mm");
    expect(fieldValue("size", "600×400")).toBe("600×400");
    expect(fieldValue("state", "broken")).toBe("破损");
    expect(fieldValue("azimuth_source", "8-step")).toBe("八方位");
  });

  it("come as they are when nothing is known of them, and not at all when empty", () => {
    expect(fieldValue("name", "<img src=x>")).toBe("<img src=x>");
    expect([null, undefined, ""].map((value) => fieldValue("name", value))).toEqual([null, null, null]);
  });
});

describe("coordinates", () => {
  it("are written to a decimetre in degrees and to a millimetre in metres", () => {
    expect(pair(120.3747, 36.0871, false)).toBe("120.374700, 36.087100");
    expect(pair(533747.2194, 3995272.267, true)).toBe("533747.219, 3995272.267");
  });

  it("are x and y in projected systems only", () => {
    expect(coordinateNames("EPSG:4549")).toEqual(["x", "y"]);
    expect(coordinateNames("gcj02")).toEqual(["lon", "lat"]);
  });

  it.each([
    ["120.38, 36.08", ["120.38", "36.08"]],
    ["（120.38，36.08）", ["120.38", "36.08"]],
    ["(120.38 36.08)", ["120.38", "36.08"]],
    ["120.38，36.08", ["120.38", "36.08"]],
    ["120.38/36.08", ["120.38", "36.08"]],
    ["120.38", null],
    ["hello, world", null],
    ["1,2,3", null],
  ])("pasted as %j", (text, expected) => expect(splitPair(text)).toEqual(expected));
});

describe("problems", () => {
  it("say what the server said", () => {
    const body = { title: "Bad parameter", detail: "lat: 120 is not a latitude.", parameter: "lat", expected: "-90 to 90" };
    expect(toProblem(400, "Bad Request", body)).toMatchObject({ status: 400, detail: body.detail, parameter: "lat", expected: "-90 to 90" });
  });

  it("survive bodies that are no problem documents", () => {
    expect(toProblem(502, "Bad Gateway", null)).toMatchObject({ detail: "502 Bad Gateway", parameter: null });
    expect(toProblem(500, "", { detail: 7, title: "Broken" })).toMatchObject({ detail: "Broken" });
    expect(toProblem(500, "", "text")).toMatchObject({ detail: "500" });
  });

  it.each([
    [0, "error.network"],
    [400, "error.request"],
    [404, "error.missing"],
    [500, "error.server"],
    [503, "error.unavailable"],
  ])("with status %d are headed %s", (status, key) => expect(problemTitle(status)).toBe(key));
});
