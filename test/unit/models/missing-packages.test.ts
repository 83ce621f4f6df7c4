/** Without the optional packages everything else works, and what needs them says how to install them. */

import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const root = new URL("../../../", import.meta.url);

/** Runs a program where importing `missing` fails as it does when the package is not installed; gives the error. */
function errorWithout(missing: string, program: string): { code: string; hint: string } {
  const hook = `
    import { registerHooks } from "node:module";
    registerHooks({ resolve(name, context, next) {
      if (name !== ${JSON.stringify(missing)}) return next(name, context);
      throw Object.assign(new Error("Cannot find package " + name), { code: "ERR_MODULE_NOT_FOUND" });
    } });`;
  const source = `${program}.catch((error) => console.log(JSON.stringify(error)));`;
  const hooks = `data:text/javascript,${encodeURIComponent(hook)}`;
  const { stdout } = spawnSync(process.execPath, [
    "--import",
    hooks,
    "--input-type=module",
    "--eval",
    source,
  ]);
  return JSON.parse(stdout.toString()) as { code: string; hint: string };
}

test("sharp", () => {
  const image = new URL("core/media/image.ts", root).href;
  const error = errorWithout("sharp", `(await import("${image}")).decodeImage(new Uint8Array(9))`);
  expect(error).toMatchObject({
    code: "PACKAGE_MISSING",
    hint: expect.stringContaining("npm install sharp"),
  });
});

test("onnxruntime-node", () => {
  // The thread that models run on: hooks of a process do not reach its worker threads.
  const runtime = new URL("core/models/onnx-runtime.ts", root).href;
  const program = `import("${runtime}").then(({ openRuntimeSession }) => openRuntimeSession("model.onnx").run({}, "vectors"))`;
  const error = errorWithout("onnxruntime-node", program);
  expect(error).toMatchObject({
    code: "PACKAGE_MISSING",
    hint: expect.stringContaining("npm install onnxruntime-node --onnxruntime-node-install=skip"),
  });
});
