import { describe, expect, it } from "vitest";

import { around, frameOf, toBox } from "../src/boxes";

describe("boxes", () => {
  it("are read from four numbers and from nothing else", () => {
    expect(toBox("120.3,36,120.4,36.1")).toEqual([120.3, 36, 120.4, 36.1]);
    for (const text of ["", "1,2,3", "1,2,3,x", "1,2,3,4,5"]) expect(toBox(text)).toBeNull();
  });

  it("have a closed frame", () => {
    const frame = frameOf([1, 2, 3, 4]);
    expect(frame).toHaveLength(5);
    expect(frame[0]).toEqual(frame[4]);
  });

  it("hold every part of every feature, and none when nothing has a place", () => {
    const feature = (geometry: GeoJSON.Geometry | null) => ({ type: "Feature", properties: {}, geometry }) as GeoJSON.Feature;
    const parts: GeoJSON.Geometry = { type: "GeometryCollection", geometries: [{ type: "Point", coordinates: [0, 9] }, { type: "LineString", coordinates: [[-3, 1], [2, 2]] }] };
    expect(around({ type: "FeatureCollection", features: [feature(parts), feature(null), feature({ type: "Point", coordinates: [5, 3] })] })).toEqual([-3, 1, 5, 9]);
    expect(around(feature(null))).toBeNull();
  });
});
