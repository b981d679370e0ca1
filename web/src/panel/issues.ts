/** The quality issues that a click met. */

import { el } from "../dom";
import { t, translated } from "../i18n";
import type { Issue } from "../map/issues";
import { copyButton } from "./copy";

/** Where many lie on one another the gravest are shown. */
const MOST = 10;

/** Build the card for `issues`, the gravest first; null when there are none. */
export function issuesCard(issues: readonly Issue[]): HTMLElement | null {
  if (issues.length === 0) return null;
  return el(
    "section",
    { class: "card issues", "aria-label": t("layer.quality_issues") },
    el("h2", {}, t("layer.quality_issues")),
    el("ul", {}, ...issues.slice(0, MOST).map(issueItem)),
    issues.length > MOST && el("p", { class: "faint" }, t("issues.more", { count: issues.length - MOST })),
  );
}

function issueItem({ severity, code, layer, featureCode, message }: Issue): HTMLElement {
  return el(
    "li",
    { class: "issue", "data-severity": severity },
    el("span", { class: "chip" }, t(`value.${severity}`)),
    el("p", message ? {} : { class: "faint" }, message || t("issues.far")),
    el(
      "dl",
      { class: "facts small" },
      el("dt", {}, t("issues.check")),
      el("dd", { "data-fact": "check" }, el("code", {}, code)),
      el("dt", {}, t("issues.layer")),
      el("dd", { "data-fact": "layer" }, translated(`layer.${layer}`, layer)),
      ...(featureCode
        ? [el("dt", {}, t("issues.feature")), el("dd", { "data-fact": "feature" }, el("code", {}, featureCode), copyButton(featureCode))]
        : []),
    ),
  );
}
