/** What all plots are drawn with. */

export const STYLE =
  "<style>text{fill:#222}.case{font-weight:600}.who{text-anchor:end}.title{font-size:15px;font-weight:600}.under{fill:#666}.ours{fill:#0b7285}.peer{fill:#adb5bd}.ours-line{stroke:#0b7285}.peer-line{stroke:#adb5bd}</style>";

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

export function milliseconds(ms: number): string {
  return ms < 1000 ? `${Number(ms.toPrecision(3))} ms` : `${Number((ms / 1000).toPrecision(3))} s`;
}
