/** Quality issues as the map shows them: what is doubtful in the data, how grave, about which feature. */

import type { Properties } from "../api";
import type { Colours } from "./served";

/** From the gravest down, as they are listed. */
export const SEVERITIES = ["error", "warning", "info"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** `message` is empty where tiles do not carry it yet, `featureCode` where an issue is about no single feature. */
export interface Issue {
  id: number;
  severity: Severity;
  code: string;
  layer: string;
  featureCode: string;
  message: string;
}

export function severityColor(severity: string, colours: Colours): string {
  return severity === "error" ? colours.issue_error : severity === "warning" ? colours.issue_warning : colours.issue_info;
}

/** The issues among features of tiles, each once though it be drawn as area and outline or in two tiles, the gravest first. */
export function toIssues(features: readonly { id?: number | string | undefined; properties: Properties }[]): Issue[] {
  const issues = new Map(features.map(({ id, properties }) => [Number(id), toIssue(Number(id), properties)]));
  return [...issues.values()].sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || a.id - b.id);
}

function toIssue(id: number, properties: Properties): Issue {
  const text = (name: string): string => String(properties[name] ?? "");
  return {
    id,
    severity: SEVERITIES.find((severity) => severity === properties["severity"]) ?? "info",
    code: text("code"),
    layer: text("layer"),
    featureCode: text("feature_code"),
    message: text("message"),
  };
}
