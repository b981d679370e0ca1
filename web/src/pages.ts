/** The map of the pages of the OGC API, and what else a script does for them. A page without it is the same but for the map. */

import { type GeoJSONSource, Map as MapLibreMap, NavigationControl, Popup, setWorkerUrl } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";

import { around, type Box, frameOf, toBox } from "./boxes";

const COLOUR = "#c2185b";

/** The worker lies beside this file, whatever the address of the page is. */
setWorkerUrl(new URL(workerUrl.replace(/^.*\//, ""), import.meta.url).href);

const container = document.getElementById("map");
if (container) show(container);
for (const form of document.forms) form.addEventListener("submit", () => leaveOut(form));

/** A form sends its empty fields too; addresses are easier to read without them. */
function leaveOut(form: HTMLFormElement): void {
  const empty = [...form.elements].filter((one): one is HTMLInputElement | HTMLSelectElement =>
    (one instanceof HTMLInputElement || one instanceof HTMLSelectElement) && one.value === "");
  for (const one of empty) one.disabled = true;
  setTimeout(() => { for (const one of empty) one.disabled = false; });
}

function show(element: HTMLElement): void {
  const { style, bounds, features, frame, failed } = element.dataset;
  const box = bounds === undefined ? null : toBox(bounds);
  const message = element.querySelector("p");
  let map: MapLibreMap;
  try {
    map = new MapLibreMap({
      container: element,
      style: style ?? "",
      ...(box ? { bounds: box, fitBoundsOptions: { padding: 24, maxZoom: 17 } } : {}),
      attributionControl: { compact: true },
      cooperativeGestures: false,
    });
  } catch {
    if (message) message.textContent = failed ?? "";
    return;
  }
  message?.remove();
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.on("load", () => {
    if (box && frame !== undefined) drawFrame(map, box);
    if (features !== undefined) void drawFeatures(map, features);
    element.dataset["ready"] = features === undefined ? "map" : "";
  });
  offerView(map);
  Object.assign(globalThis, { page: { map } });
}

function drawFrame(map: MapLibreMap, box: Box): void {
  map.addSource("frame", { type: "geojson", data: { type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [frameOf(box)] } } });
  map.addLayer({ id: "frame", type: "line", source: "frame", paint: { "line-color": COLOUR, "line-width": 2, "line-dasharray": [3, 2] } });
}

async function drawFeatures(map: MapLibreMap, address: string): Promise<void> {
  const answer = await fetch(address, { headers: { accept: "application/geo+json" } });
  if (!answer.ok) return;
  const data = (await answer.json()) as GeoJSON.FeatureCollection | GeoJSON.Feature;
  map.addSource("features", { type: "geojson", data });
  map.addLayer({ id: "features/area", type: "fill", source: "features", filter: ["==", ["geometry-type"], "Polygon"],
    paint: { "fill-color": COLOUR, "fill-opacity": 0.18 } });
  map.addLayer({ id: "features/line", type: "line", source: "features", filter: ["!=", ["geometry-type"], "Point"],
    paint: { "line-color": COLOUR, "line-width": 2 } });
  map.addLayer({ id: "features/point", type: "circle", source: "features", filter: ["==", ["geometry-type"], "Point"],
    paint: { "circle-color": COLOUR, "circle-radius": 6, "circle-stroke-color": "#fff", "circle-stroke-width": 2 } });
  const box = around(data);
  if (box) map.fitBounds(box, { padding: 40, maxZoom: 17, animate: false });
  const source: GeoJSONSource | undefined = map.getSource("features");
  if (source && data.type === "FeatureCollection") link(map);
  map.getContainer().dataset["ready"] = "features";
}

/** A feature on the map leads to its own page. */
function link(map: MapLibreMap): void {
  const layers = ["features/point", "features/line", "features/area"];
  map.on("click", (event) => {
    const found = map.queryRenderedFeatures(event.point, { layers })[0];
    if (found?.id === undefined) return;
    const anchor = document.createElement("a");
    const here = new URL(location.href);
    anchor.href = `${here.pathname}/${String(found.id)}${here.searchParams.has("lang") ? `?lang=${here.searchParams.get("lang") === "en" ? "en" : "zh"}` : ""}`;
    const { name, code } = found.properties as { name?: unknown; code?: unknown };
    anchor.textContent = String(name ?? code ?? found.id);
    new Popup({ closeButton: false }).setLngLat(event.lngLat).setDOMContent(anchor).addTo(map);
  });
  for (const layer of layers) {
    map.on("mouseenter", layer, () => { map.getCanvas().style.cursor = "pointer"; });
    map.on("mouseleave", layer, () => { map.getCanvas().style.cursor = ""; });
  }
}

/** The form can ask for what the map shows. */
function offerView(map: MapLibreMap): void {
  const button = document.getElementById("use-view");
  const field = document.getElementById("bbox");
  if (!button || !(field instanceof HTMLInputElement)) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    const view = map.getBounds();
    field.value = [view.getWest(), view.getSouth(), view.getEast(), view.getNorth()].map((edge) => edge.toFixed(6)).join(",");
    // What the map shows is longitude and latitude, whatever the box was in before.
    field.form?.querySelector('input[name="bbox-crs"]')?.remove();
    field.form?.requestSubmit();
  });
}
