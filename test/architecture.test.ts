/** Holds the sources against the table of rooms, and every tracked file against the house rules. */

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { type Architecture, checkImports, importsOf, type SourceFile } from "./support/architecture.ts";

const ROOT = resolve(import.meta.dirname, "..");

/** What depends on nothing but other leaves; every room of core may import it. */
const LEAVES = [
  "core/errors.ts",
  "core/ids.ts",
  "core/matrix.ts",
  "core/packed-vectors.ts",
  "core/random.ts",
  "core/once.ts",
  "core/location.ts",
  "core/filter.ts",
  "core/stages.ts",
  "core/s3-settings.ts",
  "core/version.ts",
  "core/wasm.ts",
  "core/backend-settings.ts",
  "core/backends/collection-handle.ts",
  "core/backends/filter-fields.ts",
  "core/backends/metric.ts",
  "core/models/model.ts",
  "core/media/input-spec.ts",
  "core/dataset/labels.ts",
];

/** What every backend is written with. */
const OF_ALL_BACKENDS = ["core/backends/backend.ts", "core/backends/checks.ts", "core/backends/parts.ts"];

const ARCHITECTURE: Architecture = {
  leaves: LEAVES,
  guardedModules: ["node:sqlite", "node:worker_threads", "node:child_process"],
  environmentReaders: ["core/config.ts", "functions/settings.ts", "functions/resources.ts"],
  addressReaders: ["core/location.ts", "functions"],
  rooms: [
    { name: "leaves", paths: LEAVES, may: [], packages: [] },
    { name: "config", paths: ["core/config.ts"], may: [], packages: [] },
    { name: "worker", paths: ["core/worker.ts"], may: [], packages: ["node:worker_threads"] },
    { name: "sqlite", paths: ["core/sqlite.ts"], may: [], packages: ["node:sqlite"] },
    {
      name: "store",
      paths: ["core/store"],
      may: ["core/sqlite.ts", "core/worker.ts"],
      packages: ["kysely", "pg", "type node:sqlite"],
    },
    {
      name: "media",
      paths: ["core/media"],
      may: [],
      packages: ["sharp", "@aws-sdk/client-s3", "@aws-sdk/s3-request-presigner"],
    },
    { name: "dataset", paths: ["core/dataset"], may: ["core/store", "core/media"], packages: ["zod"] },
    {
      name: "io",
      paths: ["core/io"],
      may: ["core/dataset", "core/store", "core/media"],
      packages: [
        ...["csv-parse", "csv-stringify", "fast-xml-parser", "yaml", "yauzl", "yazl"],
        ...["hyparquet", "hyparquet-compressors", "hyparquet-writer"],
      ],
    },
    {
      name: "models",
      paths: ["core/models"],
      may: ["core/models", "core/worker.ts"],
      packages: ["@huggingface/tokenizers", "zod"],
    },
    {
      name: "onnx",
      paths: ["core/models/onnx-runtime.ts"],
      may: ["core/models"],
      packages: ["onnxruntime-node"],
    },
    { name: "backend", paths: ["core/backends/backend.ts"], may: [], packages: [] },
    { name: "remote", paths: ["core/backends/remote"], may: OF_ALL_BACKENDS, packages: [] },
    {
      name: "of all backends",
      paths: ["core/backends/checks.ts", "core/backends/parts.ts"],
      may: OF_ALL_BACKENDS,
      packages: [],
    },
    {
      name: "milvus backend",
      paths: ["core/backends/milvus"],
      may: ["core/backends/milvus", "core/backends/remote", ...OF_ALL_BACKENDS],
      packages: ["@zilliz/milvus2-sdk-node"],
    },
    {
      name: "elasticsearch backend",
      paths: ["core/backends/elasticsearch"],
      may: ["core/backends/elasticsearch", "core/backends/remote", ...OF_ALL_BACKENDS],
      packages: ["@elastic/elasticsearch"],
    },
    {
      name: "local backend",
      paths: ["core/backends/local"],
      may: ["core/backends/local", ...OF_ALL_BACKENDS, "core/sqlite.ts", "core/worker.ts"],
      packages: ["node:sqlite"],
    },
    {
      name: "local search threads",
      paths: ["core/backends/local/threads.ts", "core/backends/local/search-worker.ts"],
      may: ["core/backends/local", "core/worker.ts"],
      packages: ["node:worker_threads"],
    },
    {
      name: "brain",
      paths: ["core/brain"],
      may: [
        "core/dataset",
        "core/store/store.ts",
        "core/store/store-runs.ts",
        "core/backends/backend.ts",
        "core/backends/parts.ts",
        "core/models/embed.ts",
      ],
      packages: ["p-map", "umap-js"],
    },
    {
      name: "sync",
      paths: ["core/sync"],
      may: ["core/dataset", "core/media", "core/store/store.ts", "core/store/store-sync.ts"],
      packages: ["p-map"],
    },
    { name: "registry", paths: ["core/backends/registry.ts"], may: ["core/backends"], packages: [] },
    {
      name: "root",
      paths: ["core/index.ts", "core/nearsight.ts", "core/open.ts", "core/default-instance.ts"],
      may: ["core"],
      packages: [],
    },
    {
      name: "client",
      paths: ["client"],
      may: [
        "core/dataset",
        "core/brain/build/given-vectors.ts",
        "core/store/names.ts",
        "type core/index.ts",
        "type core/store/store.ts",
      ],
      packages: ["ky", "zod"],
    },
    {
      name: "connection",
      paths: ["client/index.ts"],
      may: ["client", "core/io/io.ts", "core/media/source.ts", "type core/index.ts"],
      packages: [],
    },
    {
      name: "command line",
      paths: ["cli"],
      may: ["core/index.ts", "client/index.ts"],
      packages: ["cli-progress", "cli-table3", "commander", "p-map"],
    },
    {
      name: "HTTP API",
      paths: ["functions"],
      may: ["core/index.ts", "functions"],
      packages: ["@hono/zod-openapi", "hono", "hono-rate-limiter", "jose", "prom-client"],
    },
    {
      name: "media in S3",
      paths: ["functions/media/s3.ts"],
      may: ["core/index.ts", "functions"],
      packages: ["@aws-sdk/client-s3", "@aws-sdk/s3-presigned-post", "@aws-sdk/s3-request-presigner"],
    },
    {
      name: "functions of AWS Lambda",
      paths: ["functions/lambda", "functions/resources.ts"],
      may: ["core/index.ts", "core/models/directory.ts", "functions"],
      packages: [
        ...[
          "@aws-lambda-powertools/batch",
          "@aws-lambda-powertools/logger",
          "@aws-lambda-powertools/metrics",
        ],
        ...["@aws-lambda-powertools/tracer", "@aws-sdk/client-s3", "@aws-sdk/client-sqs"],
        ...["type aws-lambda", "hono", "sst"],
      ],
    },
    {
      name: "handlers",
      paths: ["functions/handlers"],
      may: [
        "core/backends/milvus/milvus.ts",
        "core/backends/elasticsearch/elasticsearch.ts",
        "functions/lambda",
      ],
      packages: [],
    },
    {
      name: "events of buckets",
      paths: ["functions/events"],
      may: ["core/index.ts", "functions"],
      packages: ["@hono/zod-openapi", "p-map", "type aws-lambda"],
    },
    {
      name: "development server",
      paths: ["functions/dev.ts"],
      may: ["core/index.ts", "functions"],
      packages: ["@hono/node-server"],
    },
  ],
};

const REGISTRY_HOSTS =
  /registry\.npmjs\.org|registry\.yarnpkg\.com|pypi\.org|files\.pythonhosted\.org|crates\.io\b|proxy\.golang\.org|repo1?\.maven|deb\.debian\.org/;
const MACHINE_PATHS = /(?<![\w.-])\/(work|root)\//;
const MOST_LINES = 400;

const NOT_OURS = new Set(["node_modules", "dist", ".git", ".cache", "__pycache__"]);
const TEXT =
  /(\.(as|html|json|md|mjs|py|toml|ts|txt|ya?ml)|^\.ci\/.*|\/?\.npmrc|\.gitignore|LICENSE|NOTICE)$/;

const files = listFiles("");
const code = files.filter((path) => /\.(as|mjs|ts)$/.test(path)).map(read);
const sources = code.filter(({ path }) => /^(core|cli|client|functions)\/.*\.ts$/.test(path));

describe("the sources", () => {
  test("import only what the table of rooms allows", () => {
    expect(sources.length).toBeGreaterThan(100);
    expect(checkImports(sources, ARCHITECTURE)).toEqual([]);
  });

  test("have every leaf the table names", () => {
    const paths = sources.map(({ path }) => path);
    expect(LEAVES.filter((leaf) => !paths.includes(leaf))).toEqual([]);
  });

  test("export nothing by default", () => {
    expect(pathsWhere(sources, (text) => /^export default\b|\bas default\b/m.test(text))).toEqual([]);
  });
});

describe("every file", () => {
  test("opens with a sentence on what it does", () => {
    expect(pathsWhere(code, (text) => !/^(#!.*\n)?(\/\/ \S|\/\*\*\s+(\* )?\S)/.test(text))).toEqual([]);
  });

  test(`has at most ${MOST_LINES} lines`, () => {
    expect(pathsWhere(code, (text) => text.split("\n").length - 1 > MOST_LINES)).toEqual([]);
  });

  test("names no folder of one machine and no package registry", () => {
    const text = files.filter((path) => TEXT.test(path)).map(read);
    expect(pathsWhere(text, (one) => MACHINE_PATHS.test(one) || REGISTRY_HOSTS.test(one))).toEqual([]);
  });
});

describe("the check itself", () => {
  const problemsOf = (path: string, text: string) => checkImports([{ path, text }], ARCHITECTURE);

  test.each([
    ["core/store/store.ts", 'import { open } from "../nearsight.ts";'],
    ["core/media/image.ts", 'import {\n  one,\n  two,\n} from "../store/store.ts";'],
    ["core/dataset/view.ts", 'import type { Brain } from "../brain/brain.ts";'],
    ["core/dataset/view.ts", 'export * from "../brain/brain.ts";'],
    ["core/brain/runs.ts", 'const { localBackend } = await import("../backends/local/local.ts");'],
    ["core/brain/runs.ts", 'type Backend = import("../backends/local/local.ts").LocalClient;'],
    ["core/models/zoo.ts", 'startWorker(codeUrl("store/sqlite-worker"));'],
    ["core/models/zoo.ts", 'const folder = dataUrl("dataset/zoo/art/");'],
    ["core/models/zoo.ts", "const { href } = import.meta;"],
    ["core/models/zoo.ts", 'import { InferenceSession } from "onnxruntime-node";'],
    ["core/dataset/view.ts", 'import sharp from "sharp";'],
    ["core/store/rows.ts", 'import { DatabaseSync } from "node:sqlite";'],
    ["core/matrix.ts", 'import { open } from "./sqlite.ts";'],
    ["core/dataset/view.ts", 'import { matrix } from "../matrix.js";'],
    ["core/dataset/view.ts", 'import { matrix } from "../matrix";'],
    ["core/dataset/view.ts", 'const home = process.env["HOME"];'],
    ["core/something-new.ts", ""],
    ["cli/search.ts", 'import { openSqliteStore } from "../core/store/sqlite-store.ts";'],
    ["cli/search.ts", 'import "left-pad/index";'],
    ["client/store.ts", 'import { openSqliteStore } from "../core/store/sqlite-store.ts";'],
    ["client/store.ts", 'import { open } from "../core/index.ts";'],
  ])("finds fault with %s: %s", (path, text) => {
    expect(problemsOf(path, text)).toHaveLength(1);
  });

  test.each([
    ["core/store/rows.ts", 'import type { DatabaseSync } from "node:sqlite";'],
    ["core/brain/runs.ts", 'import { NearsightError } from "../errors.ts";\nimport pMap from "p-map";'],
    [
      "core/dataset/view.ts",
      '/**\n * import { x } from "elsewhere";\n */\n// import { y } from "elsewhere";',
    ],
    ["core/dataset/zoo/art.ts", 'const FOLDER = dataUrl("dataset/zoo/art/");'],
    ["core/models/zoo.ts", 'const FOLDER = dataUrl("models/nearsight-tiny/config.json");'],
    ["core/models/onnx.ts", 'startWorker(codeUrl("models/onnx-worker"));'],
    ["core/nearsight.ts", 'import { createBrain } from "./brain/brain.ts";'],
    ["client/store.ts", 'import type { Nearsight } from "../core/index.ts";'],
  ])("accepts %s: %s", (path, text) => {
    expect(problemsOf(path, text)).toEqual([]);
  });

  test("sees imports of every kind", () => {
    const text = [
      'import a from "a";',
      'import type { b } from "b";',
      'import "c";',
      'export { d } from "d";',
      'const e = await import("e");',
    ].join("\n");
    expect(importsOf(text).map(({ from }) => from)).toEqual(["a", "b", "c", "d", "e"]);
  });
});

function listFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    return entry.isDirectory() ? listFiles(path) : [path];
  });
}

function read(path: string): SourceFile {
  return { path, text: readFileSync(join(ROOT, path), "utf8") };
}

function pathsWhere(some: readonly SourceFile[], isWrong: (text: string) => boolean): string[] {
  return some.filter(({ text }) => isWrong(text)).map(({ path }) => path);
}
