/** The console's beginning: reads the address, builds the page, and joins panels, map and server. */

import "./style.css";
import { Console } from "./console";

const root = document.getElementById("app");
if (root) new Console(root).start();
