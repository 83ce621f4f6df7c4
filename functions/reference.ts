/** The page `/docs`: the routes of the OpenAPI document, readable without a script or another host. */

import { html, raw } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import type { Router } from "./router.ts";

/** What the page reads of an operation. */
interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly requestBody?: { readonly content?: Content };
  readonly responses?: Readonly<
    Record<string, { readonly description?: string; readonly content?: Content }>
  >;
}

type Content = Readonly<Record<string, { readonly schema?: unknown }>>;

type Document = ReturnType<Router["getOpenAPI31Document"]>;

type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

const STYLE = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
  section { border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); padding: 0.75rem 0; }
  h2 { font: 600 1rem/1.5 ui-monospace, monospace; margin: 0; overflow-wrap: anywhere; }
  h2 b { display: inline-block; min-width: 4.5em; }
  p { margin: 0.25rem 0; }
  small { opacity: 0.75; }
  pre { overflow-x: auto; padding: 0.75rem; background: color-mix(in srgb, currentColor 8%, transparent); }
`;

/** The document as a page. */
export function referencePage(document: Document): Html {
  const { title, version } = document.info;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title} API</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <h1>${title} API <small>${version}</small></h1>
        <p>The machine's version of this page: <a href="/openapi.json">/openapi.json</a>.</p>
        <p>What fails is answered by a Problem, with a status from 400 on, a <code>code</code> and a <code>hint</code>.</p>
        ${Object.entries(document.paths ?? {}).flatMap(([path, operations]) =>
          Object.entries(operations as Readonly<Record<string, Operation>>).map(([method, operation]) =>
            routeSection(method, path, operation),
          ),
        )}
        <h1>Schemas</h1>
        ${Object.entries(document.components?.schemas ?? {}).map(([name, schema]) => folded(name, schema))}
      </body>
    </html>`;
}

function routeSection(method: string, path: string, operation: Operation): Html {
  const scope = operation.security?.flatMap((one) => Object.values(one).flat())[0];
  // Problems are alike everywhere and told once.
  const answers = Object.entries(operation.responses ?? {}).filter(([status]) => !status.endsWith("XX"));
  return html`<section id="${operation.operationId ?? path}">
    <h2><b>${method.toUpperCase()}</b> ${path}</h2>
    <p>${operation.summary ?? ""} ${scope === undefined ? "" : html`<small>Scope ${scope}.</small>`}</p>
    ${Object.values(operation.requestBody?.content ?? {}).map(({ schema }) => folded("Request", schema))}
    ${answers.map(([status, { description = "", content = {} }]) =>
      Object.values(content).map(({ schema }) => folded(`${status}: ${description}`, schema)),
    )}
  </section>`;
}

function folded(title: string, schema: unknown): Html {
  return html`<details>
    <summary>${title}</summary>
    <pre>${JSON.stringify(schema, null, 2)}</pre>
  </details>`;
}
