/** Writes `deploy/routes.ts`, which says what answers which request: `node tools/deploy/routes.ts`. */

import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { GROUPS, type Group } from "../../functions/app.ts";
import type { Router } from "../../functions/router.ts";

export const ROUTES_FILE = resolve(import.meta.dirname, "../../deploy/routes.ts");

/** Whatever no other group answers is for `manage`. */
const LISTED = ["compute", "query"] as const satisfies readonly Group[];

/** The file as the routes of the API have it. */
export function routesText(): string {
  const groups = LISTED.map((group) => {
    const lines = routesOf(group).map((route) => `    ${JSON.stringify(route)},\n`);
    return `  ${group}: [\n${lines.join("")}  ],\n`;
  });
  return `/** Which function answers which request, by \`node tools/deploy/routes.ts\`; the rest is for \`manage\`. */

export const ROUTES = {
${groups.join("")}} as const;
`;
}

/** `POST /datasets/{dataset}/search`, as API Gateway writes it too. */
export function routesOf(group: Group): string[] {
  const routers: readonly Router[] = GROUPS[group];
  const definitions = routers.flatMap(({ openAPIRegistry }) => openAPIRegistry.definitions);
  return definitions.flatMap((definition) =>
    definition.type === "route" ? [`${definition.route.method.toUpperCase()} ${definition.route.path}`] : [],
  );
}

if (import.meta.main) writeFileSync(ROUTES_FILE, routesText());
