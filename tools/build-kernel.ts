/** Compiles the local backend's distance kernel and writes its bytes as a TypeScript module. */

import { readFile, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import asc from "assemblyscript/asc";

const folder = new URL("../core/backends/local/kernel/", import.meta.url);
const target = new URL("kernel.wasm.ts", folder);

/** The compiled kernel; equal sources and compiler give equal bytes. */
export async function compileKernel(): Promise<Uint8Array> {
  const source = await readFile(new URL("kernel.as", folder), "utf8");
  let bytes: Uint8Array | undefined;
  const messages: string[] = [];
  const { error } = await asc.main(
    [
      "kernel.ts",
      "--outFile",
      "kernel.wasm",
      "-O3",
      "--noAssert",
      "--runtime",
      "stub",
      "--importMemory",
      "--enable",
      "simd",
    ],
    {
      readFile: (name) => (name === "kernel.ts" ? source : null),
      writeFile: (name, contents) => {
        if (name === "kernel.wasm" && typeof contents !== "string") bytes = contents;
      },
      listFiles: () => [],
      stderr: { write: (text) => messages.push(String(text)) },
    },
  );
  if (error !== null || bytes === undefined)
    throw new Error(`The kernel does not compile:\n${messages.join("")}`);
  return bytes;
}

/** The module that holds the compiled bytes. */
export function kernelModule(bytes: Uint8Array): string {
  return [
    `// Made by tools/build-kernel.ts from kernel.as; ${bytes.length} bytes of WebAssembly.`,
    `export const KERNEL_BASE64 =\n  "${Buffer.from(bytes).toString("base64")}";`,
    "",
  ].join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await writeFile(target, kernelModule(await compileKernel()));
}
