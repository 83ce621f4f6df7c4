/** Requests made at random from the API's own document: every answer is one it describes, and none is a failure. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import type { Failure } from "../../functions/failures.ts";
import { localUploads } from "../../functions/media/local-uploads.ts";
import { temporaryApi } from "../functions/helpers.ts";
import { served } from "../functions/serve.ts";
import { schemathesis } from "../support/schemathesis.ts";
import { temporaryFolder } from "../support/temporary.ts";

vi.setConfig({ testTimeout: 1_800_000 });

const SEED = "20261";

const CHECKS = [
  ...["not_a_server_error", "status_code_conformance", "content_type_conformance"],
  ...["response_headers_conformance", "response_schema_conformance", "ignored_auth"],
];

/** Names that the document gives as examples: with them requests reach what the routes do. */
const NAMES: Readonly<Record<string, string>> = { dataset: "quickstart", brainKey: "images" };

/** The document with those names in place of any. */
function withNames(document: {
  paths: Record<string, Record<string, { parameters?: Parameter[] }>>;
}): object {
  for (const operations of Object.values(document.paths)) {
    for (const { parameters = [] } of Object.values(operations)) {
      for (const parameter of parameters) {
        const name = parameter.in === "path" ? NAMES[parameter.name] : undefined;
        if (name !== undefined) parameter.schema = { enum: [name] };
      }
    }
  }
  return document;
}

interface Parameter {
  readonly in: string;
  readonly name: string;
  schema: object;
}

test.each([
  // Without the scope `manage` the data set stays as it is, and every search finds something.
  { names: "given", scope: "write", examples: "20" },
  { names: "any", scope: "manage", examples: "10" },
] as const)("with $names names and the scope $scope", async ({ names, scope, examples }) => {
  const folder = temporaryFolder();
  const failures: Failure[] = [];
  const api = await temporaryApi(
    {},
    {
      allow: { media: [folder] },
      uploads: localUploads(join(folder, "uploads")),
      limits: { requestsPerMinute: 1_000_000 },
      report: (failure) => failures.push(failure),
    },
  );
  const dataset = await api.nearsight.loadZooDataset("emoji", { name: "quickstart", maxSamples: 12 });
  await dataset.computeSimilarity({ brainKey: "images" });
  await dataset.saveView("first", dataset.limit(3));
  const url = await served(api.app);
  const document = await (await fetch(`${url}/openapi.json`)).json();
  const path = join(folder, "openapi.json");
  writeFileSync(path, JSON.stringify(names === "given" ? withNames(document) : document));
  const { passed, output } = await schemathesis(
    path,
    [
      ...["--url", url, "--header", `Authorization: Bearer ${api.keys[scope].key}`, "--seed", SEED],
      ...["--phases", "examples,coverage,fuzzing", "--max-examples", examples, "--checks", CHECKS.join()],
      ...["--generation-database", "none", "--no-color", "--continue-on-failure"],
      ...["--suppress-health-check", "all", "--request-timeout", "60"],
    ],
    folder,
  );
  expect(failures.map(({ route, code, error }) => ({ route, code, error }))).toEqual([]);
  expect(passed, output).toBe(true);
});
