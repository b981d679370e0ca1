/** The signs of the map, drawn on canvases when the map first needs them: no sprite has to be served. */

import { severityColor } from "./issues";
import type { Palette } from "./palette";

/** Half the side of a sector's image in pixels, which stands for the whole range of a camera. */
export const SECTOR_RADIUS = 128;

/** A sector's field of view is rounded to this many degrees, so that a few images serve every camera. */
export const SECTOR_STEP_DEG = 10;

const CAMERA_SIZE = 44;
const ISSUE_SIZE = 48;

/** How many pixels of the image called `id` make one of the map. */
export function pixelRatio(id: string): number {
  return id.startsWith("sector/") ? 1 : 2;
}

/** Draw the image called `id`: `sector/<degrees>/<status>`, `camera/<kind>/<status>` or `issue/<severity>`; null when it is none. */
export function drawImage(id: string, palette: Palette): ImageData | null {
  const [what, detail = "", status = ""] = id.split("/");
  if (what === "sector") return drawSector(Number(detail), statusColor(status, palette));
  if (what === "camera") return drawCamera(detail, statusColor(status, palette), palette.coverRing);
  if (what === "issue") return drawIssue(detail, severityColor(detail, palette), palette.coverRing);
  return null;
}

/** The colour of a camera's status; what is not known to work is not drawn as working. */
export function statusColor(status: string, palette: Palette): string {
  return status === "online" ? palette.online : status === "fault" ? palette.fault : palette.offline;
}

/** The view of a camera that looks north: strong at the lens, almost nothing at the end of its range; faint when all around. */
function drawSector(degrees: number, color: string): ImageData | null {
  const side = SECTOR_RADIUS * 2;
  const context = canvas(side);
  if (!context) return null;
  const half = (Math.min(degrees, 360) / 2) * (Math.PI / 180);
  const fade = context.createRadialGradient(SECTOR_RADIUS, SECTOR_RADIUS, 0, SECTOR_RADIUS, SECTOR_RADIUS, SECTOR_RADIUS);
  const [near, middle, far, edge] = half < Math.PI ? ["8c", "40", "14", "59"] : ["33", "14", "08", "66"];
  fade.addColorStop(0, `${color}${near}`);
  fade.addColorStop(0.7, `${color}${middle}`);
  fade.addColorStop(1, `${color}${far}`);
  context.beginPath();
  if (half < Math.PI) context.moveTo(SECTOR_RADIUS, SECTOR_RADIUS);
  context.arc(SECTOR_RADIUS, SECTOR_RADIUS, SECTOR_RADIUS - 1, -Math.PI / 2 - half, -Math.PI / 2 + half);
  context.closePath();
  context.fillStyle = fade;
  context.fill();
  context.strokeStyle = `${color}${edge}`;
  context.lineWidth = 1;
  context.stroke();
  return context.getImageData(0, 0, side, side);
}

/** A camera that looks north: a body with a lens; a dome is round, one that turns has a ring. Twice its size, for sharp screens. */
function drawCamera(kind: string, color: string, ring: string): ImageData | null {
  const context = canvas(CAMERA_SIZE);
  if (!context) return null;
  const middle = CAMERA_SIZE / 2;
  context.fillStyle = color;
  context.strokeStyle = ring;
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.beginPath();
  if (kind === "fixed") {
    context.moveTo(middle, 3);
    context.lineTo(middle + 13, middle + 13);
    context.lineTo(middle, middle + 7);
    context.lineTo(middle - 13, middle + 13);
    context.closePath();
  } else {
    context.arc(middle, middle, 11, 0, Math.PI * 2);
  }
  context.stroke();
  context.fill();
  if (kind !== "fixed") drawLens(context, middle, kind === "ptz", ring);
  return context.getImageData(0, 0, CAMERA_SIZE, CAMERA_SIZE);
}

function drawLens(context: CanvasRenderingContext2D, middle: number, turns: boolean, color: string): void {
  context.beginPath();
  context.arc(middle, middle, turns ? 6 : 4, 0, Math.PI * 2);
  context.lineWidth = 2.5;
  if (turns) {
    context.stroke();
    context.beginPath();
    context.moveTo(middle, middle - 6);
    context.lineTo(middle, middle - 11);
    context.stroke();
  } else {
    context.fillStyle = color;
    context.fill();
  }
}

/** A sign for each severity, told apart by its shape too: a diamond, a triangle, a disc. Twice its size. */
function drawIssue(severity: string, color: string, ring: string): ImageData | null {
  const context = canvas(ISSUE_SIZE);
  if (!context) return null;
  const middle = ISSUE_SIZE / 2;
  context.beginPath();
  if (severity === "error") polygon(context, [[middle, 4], [44, middle], [middle, 44], [4, middle]]);
  else if (severity === "warning") polygon(context, [[middle, 5], [44, 41], [4, 41]]);
  else context.arc(middle, middle, 17, 0, Math.PI * 2);
  context.lineJoin = "round";
  context.lineWidth = 7;
  context.strokeStyle = ring;
  context.stroke();
  context.fillStyle = color;
  context.fill();
  drawMark(context, middle, severity, ring);
  return context.getImageData(0, 0, ISSUE_SIZE, ISSUE_SIZE);
}

/** An exclamation mark, or an i, which is one upside down. */
function drawMark(context: CanvasRenderingContext2D, middle: number, severity: string, color: string): void {
  const down = severity === "warning" ? 5 : 0;
  const [bar, dot] = severity === "info" ? [middle - 3, middle - 11] : [middle - 10 + down, middle + 6 + down];
  context.fillStyle = color;
  context.fillRect(middle - 2.5, bar, 5, 13);
  context.fillRect(middle - 2.5, dot, 5, 5);
}

function polygon(context: CanvasRenderingContext2D, corners: readonly (readonly [number, number])[]): void {
  for (const [x, y] of corners) context.lineTo(x, y);
  context.closePath();
}

function canvas(side: number): CanvasRenderingContext2D | null {
  const element = document.createElement("canvas");
  element.width = element.height = side;
  return element.getContext("2d", { willReadFrequently: true });
}
