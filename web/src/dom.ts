/** Elements made in code: every text goes in as a text node, so nothing that comes from data is ever read as HTML. */

type Child = Node | string | null | false;
type Listener = (event: Event) => void;
type Attributes = Readonly<Record<string, string | number | boolean | Listener | null>>;

/** Make an element. Functions become listeners (`onclick`), true an empty attribute, false and null none. */
export function el<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== false));
  return element;
}

/** A drawn sign of 20 by 20 units; decoration only, so hidden from readers of the page's text. */
export function icon(path: string): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 20 20", class: "icon", "aria-hidden": "true" })) svg.setAttribute(name, value);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

export const ICONS = {
  layers: "M10 3 2.500 7 10 11l7.500-4zM3 10.500l7 3.800 7-3.800M3 14l7 3.800 7-3.800",
  copy: "M7 7h9v10H7zM13 7V3.500H4V14h3",
  check: "m4 10.500 4 4 8-9",
  close: "m5 5 10 10M15 5 5 15",
  home: "M3 10 10 4l7 6M5 9v8h10V9",
  moon: "M16 12A7 7 0 0 1 8 4a7 7 0 1 0 8 8z",
  sun: "M10 6.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7zM10 1.500v2M10 16.500v2M1.500 10h2M16.500 10h2M4 4l1.400 1.400M14.600 14.600 16 16M4 16l1.400-1.400M14.600 5.400 16 4",
  target: "M10 4.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11zM10 1v5M10 14v5M1 10h5M14 10h5",
  warning: "M10 3 1.500 17.500h17zM10 8v5M10 15v.6",
  north: "M10 2 14 10H6zM10 18 6 10h8z",
  chevron: "m5 8 5 5 5-5",
} as const;

/** Run `change`, then give the focus back to the element of the same id: panels are built anew on every change. */
export function keepingFocus(change: () => void): void {
  const focused = document.activeElement?.id ?? "";
  change();
  if (focused !== "" && document.activeElement?.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
}
