import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { CRS_IDS } from "../src/crs";
import { isKey, LANGUAGES, preferredLanguage, setLanguage, STRINGS, t, translated } from "../src/i18n";
import { LAYER_IDS } from "../src/map/style";

const SOURCE = join(import.meta.dirname, "../src");

function sources(): string {
  const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts") && !name.endsWith("i18n.ts"));
  return files.map((name) => readFileSync(join(SOURCE, name), "utf8")).join("\n");
}

const placeholders = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();

describe("the words of the console", () => {
  it("has the same keys in every language, none of them empty", () => {
    const keys = LANGUAGES.map((language) => Object.keys(STRINGS[language]).sort());
    for (const other of keys) expect(other).toEqual(keys[0]);
    for (const language of LANGUAGES) for (const [key, text] of Object.entries(STRINGS[language])) expect(text.trim(), key).not.toBe("");
  });

  it("has the same places for values in every language", () => {
    for (const [key, text] of Object.entries(STRINGS.zh)) expect(placeholders(STRINGS.en[key as keyof typeof STRINGS.en]), key).toEqual(placeholders(text));
  });

  it("has no key that nothing uses", () => {
    const code = sources();
    const built = ["crs.", "status.", "layer.", "value.", "field.", "bearing.", "app.theme."];
    const chosenByName = new Set(["form.lon", "form.lat", "form.x", "form.y", "answer.grid", "answer.community", "answer.street", "answer.district"]);
    const unused = Object.keys(STRINGS.zh).filter((key) => !code.includes(`"${key}"`) && !chosenByName.has(key) && !built.some((prefix) => key.startsWith(prefix)));
    expect(unused).toEqual([]);
  });

  it("names every layer and coordinate system", () => {
    const needed = [...LAYER_IDS.map((id) => `layer.${id}`), ...CRS_IDS.map((id) => `crs.${id}`)];
    expect(needed.filter((key) => !isKey(key))).toEqual([]);
  });

  it("puts values in their places and leaves unknown ones alone", () => {
    setLanguage("en");
    expect(t("answer.version", { version: 61 })).toBe("Data version 61");
    expect(t("answer.version")).toBe("Data version {version}");
    expect(translated("value.broken", "x")).toBe("broken");
    expect(translated("value.toString", "as in the data")).toBe("as in the data");
  });
});

describe("the language to begin with", () => {
  it.each([
    ["en", ["zh-CN"], "en"],
    [null, ["zh-TW", "en"], "zh"],
    [null, ["fr", "en-GB", "zh"], "en"],
    [null, ["fr"], "en"],
    ["klingon", ["zh"], "zh"],
  ] as const)("remembered %s, browser %j: %s", (remembered, browser, expected) => {
    expect(preferredLanguage(remembered, browser)).toBe(expected);
  });
});
