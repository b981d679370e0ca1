/** The colours that are the console's own: what is chosen, and the answer. All others come with the style. */

export type Theme = "light" | "dark";

export interface Palette {
  selected: string;
  candidate: string;
  pin: string;
  coverLink: string;
  cameraLink: string;
}

export const PALETTES: Readonly<Record<Theme, Palette>> = {
  light: { selected: "#b5381f", candidate: "#d08a1d", pin: "#b5381f", coverLink: "#35618c", cameraLink: "#2c7a55" },
  dark: { selected: "#ff7a5c", candidate: "#f0b24a", pin: "#ff7a5c", coverLink: "#7fb2e5", cameraLink: "#6fd0a0" },
};
