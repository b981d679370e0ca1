/** The colours of the map, on paper and at night, and what covers and buildings are coloured by. */

import type { Key } from "../i18n";

export type Theme = "light" | "dark";

export interface Palette {
  outside: string;
  land: string;
  streetTints: readonly string[];
  gridBorder: string;
  communityBorder: string;
  streetBorder: string;
  districtBorder: string;
  glow: string;
  gridLabel: string;
  communityLabel: string;
  streetLabel: string;
  districtLabel: string;
  halo: string;
  buildingBorder: string;
  selected: string;
  candidate: string;
  pin: string;
  coverLink: string;
  cameraLink: string;
  coverRing: string;
  coverDamaged: string;
  coverSign: string;
  online: string;
  offline: string;
  fault: string;
  issueError: string;
  issueWarning: string;
  issueInfo: string;
}

export const PALETTES: Readonly<Record<Theme, Palette>> = {
  light: {
    outside: "#e9e3d6",
    land: "#f8f4ea",
    streetTints: ["#f4ead6", "#eaeedd", "#e5ecec", "#f2e3da", "#ece7ee", "#f3efd4"],
    gridBorder: "#b39f7c",
    communityBorder: "#8f7a55",
    streetBorder: "#6d5535",
    districtBorder: "#43321f",
    glow: "#cdbfa3",
    gridLabel: "#8a5a2b",
    communityLabel: "#6b5d45",
    streetLabel: "#4a3823",
    districtLabel: "#43321f",
    halo: "#fbf8f0",
    buildingBorder: "#a8977a",
    selected: "#b5381f",
    candidate: "#d08a1d",
    pin: "#b5381f",
    coverLink: "#35618c",
    cameraLink: "#2c7a55",
    coverRing: "#ffffff",
    coverDamaged: "#d0211c",
    coverSign: "#ffffff",
    online: "#227a52",
    offline: "#7d7a74",
    fault: "#c1461f",
    issueError: "#dc0f28",
    issueWarning: "#f27a00",
    issueInfo: "#1769d8",
  },
  dark: {
    outside: "#12161c",
    land: "#1b2129",
    streetTints: ["#232733", "#1f2a2b", "#1d2733", "#2a2529", "#26242f", "#27281f"],
    gridBorder: "#55606d",
    communityBorder: "#7d8896",
    streetBorder: "#a9b3bf",
    districtBorder: "#d5dbe2",
    glow: "#0a0d11",
    gridLabel: "#d6ab74",
    communityLabel: "#b3bcc7",
    streetLabel: "#e2e7ec",
    districtLabel: "#f1f3f5",
    halo: "#14191f",
    buildingBorder: "#0f1318",
    selected: "#ff7a5c",
    candidate: "#f0b24a",
    pin: "#ff7a5c",
    coverLink: "#7fb2e5",
    cameraLink: "#6fd0a0",
    coverRing: "#14191f",
    coverDamaged: "#ff4d48",
    coverSign: "#ffffff",
    online: "#52c08c",
    offline: "#8d949c",
    fault: "#f07a4f",
    issueError: "#ff4d5b",
    issueWarning: "#ffa02e",
    issueInfo: "#57a8ff",
  },
};

/** A kind of cover: `names` are how it begins in the code lists, `zh` and `en` the sign drawn on it. */
export interface CoverKind {
  key: Key;
  names: readonly string[];
  color: string;
  zh: string;
  en: string;
}

/** Kinds by name and not by number: one number means different things in different editions of the standard. */
export const COVER_KINDS: readonly CoverKind[] = [
  { key: "kind.water", names: ["上水井盖", "供水井盖", "water cover"], color: "#2f74b5", zh: "水", en: "W" },
  { key: "kind.sewage", names: ["污水井盖", "化粪池井盖", "sewer cover"], color: "#7a5537", zh: "污", en: "S" },
  { key: "kind.rain", names: ["雨水井盖", "storm drain cover"], color: "#3b97a3", zh: "雨", en: "D" },
  { key: "kind.power", names: ["电力井盖", "电缆井盖", "power cover"], color: "#c8491f", zh: "电", en: "P" },
  { key: "kind.lamp", names: ["路灯井盖", "信号灯电源井盖"], color: "#d99a16", zh: "灯", en: "L" },
  { key: "kind.telecom", names: ["通讯井盖", "通信井盖", "telecom cover"], color: "#3f8a4d", zh: "讯", en: "T" },
  { key: "kind.television", names: ["电视井盖"], color: "#78a23c", zh: "视", en: "V" },
  { key: "kind.network", names: ["网络井盖"], color: "#5d7f2c", zh: "网", en: "N" },
  { key: "kind.heat", names: ["热力井盖", "district heating cover"], color: "#b02a4c", zh: "热", en: "H" },
  { key: "kind.gas", names: ["燃气井盖", "gas cover"], color: "#b98a00", zh: "气", en: "G" },
  { key: "kind.police", names: ["公安井盖"], color: "#2b3f78", zh: "安", en: "C" },
  { key: "kind.reclaimed", names: ["中水井盖"], color: "#5c6fc4", zh: "中", en: "R" },
  { key: "kind.transit", names: ["公交井盖"], color: "#8a4f9e", zh: "交", en: "B" },
  { key: "kind.oil", names: ["输油（气）井盖"], color: "#4a4038", zh: "油", en: "O" },
  { key: "kind.unowned", names: ["无主井盖", "不明井盖", "cover of unknown use"], color: "#77736c", zh: "?", en: "?" },
];

export const OTHER_COVER: CoverKind = { key: "kind.other", names: [], color: "#9a7f93", zh: "特", en: "X" };

/** A group of uses of buildings: values of the field `use` in either language; colours of a low and of a tall one. */
export interface BuildingUse {
  key: Key;
  values: readonly string[];
  light: readonly [string, string];
  dark: readonly [string, string];
}

export const BUILDING_USES: readonly BuildingUse[] = [
  { key: "use.residential", values: ["住宅", "residential", "居住", "公寓", "宿舍"], light: ["#e2d5bb", "#b89f74"], dark: ["#3a3a3c", "#6a6252"] },
  { key: "use.commercial", values: ["商业", "commercial", "商住", "商铺", "商场", "酒店", "市场", "餐饮"], light: ["#ecc3ab", "#cb7f5d"], dark: ["#4b3731", "#94583f"] },
  { key: "use.office", values: ["办公", "office", "写字楼", "商务"], light: ["#c3cfdc", "#7f98b3"], dark: ["#323e4b", "#5a7796"] },
  { key: "use.education", values: ["教育", "education", "学校", "幼儿园", "科研"], light: ["#ecd896", "#c9a640"], dark: ["#4a4429", "#8f7a33"] },
  { key: "use.medical", values: ["医疗", "medical", "医院", "卫生", "养老"], light: ["#ecc4cb", "#c9808f"], dark: ["#4a333a", "#915a67"] },
  { key: "use.industrial", values: ["工业", "industrial", "厂房", "仓储", "仓库", "物流"], light: ["#cfc7d6", "#9686a5"], dark: ["#3b3644", "#6b5f7c"] },
  { key: "use.public", values: ["公共", "public", "公共服务", "公共设施", "行政", "机关", "文化", "体育", "交通", "市政"], light: ["#c5d8b9", "#86aa74"], dark: ["#33422f", "#5f8352"] },
];

export const OTHER_USE: BuildingUse = { key: "use.other", values: [], light: ["#dad5ca", "#a8a194"], dark: ["#33373d", "#5f666f"] };
