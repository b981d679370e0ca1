/** The beginning of the screen of cases. */

import "../style.css";
import "./cases.css";
import { Screen } from "./screen";

const root = document.getElementById("app");
if (root) {
  const gisgrid = new Screen(root);
  void gisgrid.start();
  // For the browser's own console and for tests: gisgrid.map is the MapLibre map.
  Object.assign(globalThis, { gisgrid });
}
