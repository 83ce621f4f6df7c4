/** A program of the library that prints, as JSON, which modules each of its steps loads: node load-modules.ts HOME */

import { registerHooks } from "node:module";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const home = process.argv[2] ?? "";
const steps: Record<string, string[]> = {};
let loaded: string[] = [];

registerHooks({
  load(url, context, next) {
    if (url.startsWith("file:")) loaded.push(fileURLToPath(url).replace(root, "").split(sep).join("/"));
    return next(url, context);
  },
});

function end(step: string): void {
  steps[step] = loaded;
  loaded = [];
}

const { open } = await import("../../../core/index.ts");
end("import");
const ns = await open({ config: { home, cache: home } });
end("open");
const dataset = await ns.createDataset("pictures");
await dataset.addSamples([{ filepath: "a.png" }]);
await dataset.limit(1).count();
end("dataset");
await (await ns.loadZooModel("nearsight-tiny")).close?.();
end("model");
await ns.close();
console.log(JSON.stringify(steps));
