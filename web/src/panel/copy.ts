/** A button that copies a text. */

import { el, icon, ICONS } from "../dom";
import { t } from "../i18n";

const SHOWN_MS = 1500;

export function copyButton(text: string): HTMLButtonElement {
  const button = el("button", { type: "button", class: "quiet copy", title: t("copy"), "aria-label": `${t("copy")} ${text}` }, icon(ICONS.copy));
  button.addEventListener("click", () => void copy(button, text));
  return button;
}

async function copy(button: HTMLButtonElement, text: string): Promise<void> {
  const done = await write(text);
  button.replaceChildren(icon(done ? ICONS.check : ICONS.warning), el("span", { class: "sr", role: "status" }, t(done ? "copy.done" : "copy.failed")));
  button.title = t(done ? "copy.done" : "copy.failed");
  setTimeout(() => {
    button.replaceChildren(icon(ICONS.copy));
    button.title = t("copy");
  }, SHOWN_MS);
}

/** The clipboard is refused on plain-HTTP pages of other machines; there a selection is copied in the old way. */
async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = el("textarea", { class: "sr", readonly: true });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
