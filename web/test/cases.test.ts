import { describe, expect, it } from "vitest";

import { dayAfter, dayIn, formatAddress, parseAddress } from "../src/cases/address";
import { count, toTable } from "../src/cases/batch";
import { authorization, type Report, written } from "../src/cases/calls";
import { type Case, isOverdue, look, merged, NO_FILTERS, overdueList, reviewQueue, shares, shown, untilDue } from "../src/cases/model";
import { circle, hexagons, sector } from "../src/cases/shapes";
import { WORDS } from "../src/cases/words";

const NOW = Date.parse("2026-11-22T08:00:00Z");

function made(number: string, changes: Partial<Case> = {}): Case {
  return {
    number,
    version: 1,
    state: "assigned",
    source: "12345",
    kind: "event",
    category: { text: "占道经营", name: null, class_code: null },
    description: "",
    address: "延安路1号",
    reported_at: "2026-11-22T07:00:00Z",
    position: null,
    grid: null,
    street: { code: "370203005", name: "延安路街道" },
    unit: null,
    limit: null,
    due_at: "2026-11-22T09:00:00Z",
    is_overdue: false,
    review: null,
    ...changes,
  };
}

describe("cases", () => {
  it("are late when the deadline of an open one is over, whatever the server said before", () => {
    expect(isOverdue(made("1"), NOW)).toBe(false);
    expect(isOverdue(made("1", { due_at: "2026-11-22T07:59:00Z" }), NOW)).toBe(true);
    expect(isOverdue(made("1", { due_at: "2026-11-22T07:59:00Z", state: "closed" }), NOW)).toBe(false);
    expect(isOverdue(made("1", { due_at: null }), NOW)).toBe(false);
    expect(look(made("1", { due_at: "2026-11-22T07:00:00Z" }), NOW)).toBe("overdue");
    expect(look(made("1", { due_at: "2026-11-22T07:00:00Z", state: "needs_review" }), NOW)).toBe("needs_review");
  });

  it("are replaced by newer versions and never by older ones", () => {
    const known = merged(new Map(), [made("1", { version: 3 })]);
    expect(merged(known, [made("1", { version: 2, state: "void" })]).get("1")?.state).toBe("assigned");
    expect(merged(known, [made("1", { version: 4, state: "closed" })]).get("1")?.state).toBe("closed");
  });

  it("are shown the newest first, void ones only when asked for", () => {
    const cases = [made("1"), made("2", { reported_at: "2026-11-22T07:30:00Z" }), made("3", { state: "void" })];
    expect(shown(cases, NO_FILTERS, NOW).map(({ number }) => number)).toEqual(["2", "1"]);
    expect(shown(cases, { ...NO_FILTERS, state: "void" }, NOW).map(({ number }) => number)).toEqual(["3"]);
    expect(shown(cases, { ...NO_FILTERS, words: "延安 1号" }, NOW)).toHaveLength(2);
    expect(shown(cases, { ...NO_FILTERS, words: "辽宁" }, NOW)).toHaveLength(0);
    expect(shown(cases, { ...NO_FILTERS, street: "370203008" }, NOW)).toHaveLength(0);
  });

  it("wait for review the longest first, and are late the latest first", () => {
    const cases = [made("2", { state: "needs_review", reported_at: "2026-11-22T07:30:00Z" }), made("1", { state: "needs_review" }), made("3")];
    expect(reviewQueue(cases).map(({ number }) => number)).toEqual(["1", "2"]);
    const late = [made("1", { due_at: "2026-11-22T07:00:00Z" }), made("2", { due_at: "2026-11-22T06:00:00Z" }), made("3")];
    expect(overdueList(late, NOW).map(({ number }) => number)).toEqual(["2", "1"]);
  });

  it("are counted, the most first", () => {
    const cases = ["a", "a", "a", "b", "b", "c", "d"].map((text, index) => made(String(index), { category: { text, name: null, class_code: null } }));
    const found = shares(cases, (one) => one.category.text);
    expect(found).toEqual([{ name: "a", count: 3 }, { name: "b", count: 2 }, { name: "c", count: 1 }, { name: "d", count: 1 }]);
  });

  it("say how far their deadline is off", () => {
    expect(untilDue("2026-11-22T09:30:00Z", NOW)).toEqual({ hours: 1, minutes: 30, isOver: false });
    expect(untilDue("2026-11-22T05:45:00Z", NOW)).toEqual({ hours: 2, minutes: 15, isOver: true });
  });
});

describe("what is sent", () => {
  const report: Report = {
    source: " 12345 ", category: "污水井盖", description: "", address: "延安路1号", lon: null, lat: null, crs: "gcj02", accuracy_m: null, component_code: "", reporter: { name: "", phone: "" },
  };

  it("leaves out what was not said", () => {
    expect(written(report)).toEqual({ source: "12345", category: "污水井盖", address: "延安路1号" });
    expect(written({ ...report, lon: 120.3, lat: 36.1, accuracy_m: 15, reporter: { name: "王", phone: "" } })).toMatchObject({ lon: 120.3, lat: 36.1, crs: "gcj02", accuracy_m: 15, reporter: { name: "王" } });
  });

  it("names an editor in UTF-8", () => {
    expect(authorization({ name: "张三", token: "t" })).toBe(`Basic ${Buffer.from("张三:t", "utf8").toString("base64")}`);
  });
});

describe("the answer to a file", () => {
  const lines = [
    JSON.stringify({ row: 1, key: "k", number: "20261122-000001", state: "needs_review", position: { lon: 120.1, lat: -36.5 }, review: { question: { zh: "在哪里，\"东\"还是西？" } } }),
    JSON.stringify({ row: 2, key: "=1+1", error: { detail: "no place" } }),
  ];

  it("is counted row by row", () => {
    const tally = { done: 0, review: 0, wrong: 0 };
    for (const line of lines) count(tally, line);
    expect(tally).toEqual({ done: 2, review: 1, wrong: 1 });
  });

  it("becomes a table that no spreadsheet takes for formulas", () => {
    const [head, first, second] = toTable(lines).split("\r\n");
    expect(head?.startsWith("\uFEFFrow,key,")).toBe(true);
    expect(first).toContain('"在哪里，""东""还是西？"');
    expect(first).toContain(",-36.5,");
    expect(second).toContain("'=1+1");
  });
});

describe("the address of the page", () => {
  it("is read as it is written", () => {
    for (const address of [{ day: "2026-11-22", number: "20261122-000001", isWall: false }, { day: null, number: null, isWall: true }]) expect(parseAddress(formatAddress(address))).toEqual(address);
    expect(parseAddress("#day=22.11.2026")).toEqual({ day: null, number: null, isWall: false });
  });

  it("knows the days of a city", () => {
    expect(dayAfter("2026-12-31")).toBe("2027-01-01");
    expect(dayIn("Asia/Shanghai", Date.parse("2026-11-21T16:00:00Z"))).toBe("2026-11-22");
  });
});

describe("shapes on the ground", () => {
  it("are closed and as large as they say", () => {
    const ring = circle(120.38, 36.09, 100, {}).geometry.coordinates[0] ?? [];
    expect(ring[0]).toEqual(ring.at(-1));
    expect(Math.max(...ring.map(([, lat]) => lat ?? 0)) - 36.09).toBeCloseTo(100 / 111_320, 7);
  });

  it("look where the camera looks", () => {
    const [corner, ...arc] = sector(120.38, 36.09, 80, 90, 60, {}).geometry.coordinates[0] ?? [];
    expect(corner).toEqual([120.38, 36.09]);
    expect(arc.slice(0, -1).every(([lon]) => (lon ?? 0) > 120.38)).toBe(true);
    expect(sector(120.38, 36.09, 80, null, 60, {}).geometry.coordinates[0]).toHaveLength(61);
  });

  it("count what lies in each hexagon", () => {
    const found = hexagons([{ lon: 120.38, lat: 36.09 }, { lon: 120.38, lat: 36.09 }, { lon: 120.45, lat: 36.2 }], 9);
    expect(found.features.map(({ properties }) => properties?.["count"] as number).sort()).toEqual([1, 2]);
  });
});

it("every word is there in both languages", () => {
  expect(Object.keys(WORDS.en).sort()).toEqual(Object.keys(WORDS.zh).sort());
  expect(Object.values(WORDS.en).filter((text) => /[\u4e00-\u9fff]/.test(text))).toEqual([]);
});
