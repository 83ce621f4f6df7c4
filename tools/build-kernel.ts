/** Compiles the kernels (distances, resampling) and writes their bytes as TypeScript modules. */

import { readFile, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import asc from "assemblyscript/asc";

/** What one module of WebAssembly is made of. */
export interface KernelSource {
  /** Holds the sources, and gets the module `kernel.wasm.ts`. */
  readonly folder: URL;
  /** The sources without their ending `.as`; the first one says what is exported. */
  readonly files: readonly [string, ...string[]];
  /** The compiler's options of each compiled form, by the name of its constant. */
  readonly forms: Readonly<Record<string, readonly string[]>>;
}

export const KERNELS: readonly KernelSource[] = [
  {
    folder: new URL("../core/backends/local/kernel/", import.meta.url),
    files: ["kernel", "codes", "join"],
    forms: {
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
    },
  },
  {
    folder: new URL("../core/media/kernel/", import.meta.url),
    files: ["resample"],
    forms: { RESAMPLE_KERNEL_BASE64: [] },
  },
];

/** The compiled forms of a kernel by name; equal sources and compiler give equal bytes. */
async function compileKernel({ folder, files, forms }: KernelSource): Promise<Map<string, Uint8Array>> {
  const sources = new Map<string, string>();
  for (const name of files) sources.set(`${name}.ts`, await readFile(new URL(`${name}.as`, folder), "utf8"));
  const compiled = new Map<string, Uint8Array>();
  for (const [name, options] of Object.entries(forms)) {
    compiled.set(name, await compile(`${files[0]}.ts`, sources, options));
  }
  return compiled;
}

async function compile(
  entry: string,
  sources: ReadonlyMap<string, string>,
  options: readonly string[],
): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined;
  const messages: string[] = [];
  const { error } = await asc.main(
    [
      entry,
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
export async function kernelModule(kernel: KernelSource): Promise<string> {
  const files = kernel.files.map((name) => `${name}.as`);
  const last = files.pop() ?? "";
  const lines = [
    `// Made by tools/build-kernel.ts from ${files.length === 0 ? "" : `${files.join(", ")} and `}${last}.`,
  ];
  for (const [name, bytes] of await compileKernel(kernel)) {
    lines.push(`// ${bytes.length} bytes of WebAssembly.`);
    lines.push(`export const ${name} =\n  "${Buffer.from(bytes).toString("base64")}";`);
  }
  return `${lines.join("\n")}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const kernel of KERNELS) {
    await writeFile(new URL("kernel.wasm.ts", kernel.folder), await kernelModule(kernel));
  }
}
