/** Compiles the local backend's distance kernel and writes its bytes as a TypeScript module. */

import { readFile, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import asc from "assemblyscript/asc";

const folder = new URL("../core/backends/local/kernel/", import.meta.url);
const target = new URL("kernel.wasm.ts", folder);

/** Each compiled form of the one source, by the name of its constant. */
const FORMS: Readonly<Record<string, readonly string[]>> = {
  /** For memory that threads share, on engines with relaxed SIMD (V8 since 11.4, so Node 22 and Deno). */
  SHARED_KERNEL_BASE64: [
    "--enable",
    "relaxed-simd",
    "--enable",
    "threads",
    "--sharedMemory",
    "--maximumMemory",
    "16384",
  ],
  /** For one thread, on every engine with SIMD. */
  PLAIN_KERNEL_BASE64: [],
};

/** The compiled kernels by name; equal sources and compiler give equal bytes. */
export async function compileKernel(): Promise<Map<string, Uint8Array>> {
  const sources = new Map<string, string>();
  for (const name of ["kernel", "codes", "join"]) {
    sources.set(`${name}.ts`, await readFile(new URL(`${name}.as`, folder), "utf8"));
  }
  const compiled = new Map<string, Uint8Array>();
  for (const [name, options] of Object.entries(FORMS)) compiled.set(name, await compile(sources, options));
  return compiled;
}

async function compile(
  sources: ReadonlyMap<string, string>,
  options: readonly string[],
): Promise<Uint8Array> {
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
      ...options,
    ],
    {
      readFile: (name) => sources.get(name) ?? null,
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
export function kernelModule(kernels: ReadonlyMap<string, Uint8Array>): string {
  const lines = ["// Made by tools/build-kernel.ts from kernel.as, codes.as and join.as."];
  for (const [name, bytes] of kernels) {
    lines.push(`// ${bytes.length} bytes of WebAssembly.`);
    lines.push(`export const ${name} =\n  "${Buffer.from(bytes).toString("base64")}";`);
  }
  return `${lines.join("\n")}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await writeFile(target, kernelModule(await compileKernel()));
}
