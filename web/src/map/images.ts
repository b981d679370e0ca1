/** The views of cameras, drawn on canvases when the map first needs them; signs come with the style. */

import type { Colours } from "./served";

/** Half the side of a sector's image in pixels, which stands for the whole range of a camera. */
export const SECTOR_RADIUS = 128;

/** A sector's field of view is rounded to this many degrees, so that a few images serve every camera. */
export const SECTOR_STEP_DEG = 10;

/** Draw the image called `sector/<degrees>/<status>`; null when it is none. */
export function drawImage(id: string, colours: Colours): ImageData | null {
  const [what, detail = "", status = ""] = id.split("/");
  return what === "sector" ? drawSector(Number(detail), statusColor(status, colours)) : null;
}

/** The colour of a camera's status; what is not known to work is not drawn as working. */
export function statusColor(status: string, colours: Colours): string {
  return status === "online" ? colours.online : status === "fault" ? colours.fault : colours.offline;
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

function canvas(side: number): CanvasRenderingContext2D | null {
  const element = document.createElement("canvas");
  element.width = element.height = side;
  return element.getContext("2d", { willReadFrequently: true });
}
