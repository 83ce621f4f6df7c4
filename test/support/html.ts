/** Checks of HTML pages. */

const VOID = new Set(["meta", "img", "br", "link", "input", "hr"]);

/** Every element is closed, in order; styles are skipped. */
export function isWellFormed(html: string): boolean {
  const open: string[] = [];
  const markup = html.replace(/<!doctype html>/i, "").replace(/<style>[^<]*<\/style>/g, "");
  for (const [, close, name = "", , selfClosed] of markup.matchAll(
    /<(\/?)([a-z][a-z0-9]*)((?:\s[^<>"]*(?:"[^"]*"[^<>"]*)*)?)(\/?)>/g,
  )) {
    if (close) {
      if (open.pop() !== name) return false;
    } else if (!VOID.has(name) && !selfClosed) open.push(name);
  }
  return open.length === 0;
}

/** Addresses the page would load something from. */
export function externalAddresses(html: string): string[] {
  const loaded = [
    ...html.matchAll(/\b(?:src|href|srcset|action)="([^"]*)"|url\(([^)]*)\)|@import\s+([^;]+)/g),
  ];
  return loaded
    .map(([, a, b, c]) => a ?? b ?? c ?? "")
    .filter((address) => !address.startsWith("data:image/"));
}
