/** The console's beginning. */

import "./style.css";
import { Console } from "./console";

const root = document.getElementById("app");
if (root) {
  const gisgrid = new Console(root);
  gisgrid.start();
  // For the browser's own console and for tests: gisgrid.map is the MapLibre map.
  Object.assign(globalThis, { gisgrid });
}
