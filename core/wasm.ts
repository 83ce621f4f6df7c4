/** Compiles WebAssembly that the sources carry, where the machine can run it. */

import { Buffer } from "node:buffer";

/** The module of these bytes; undefined where WebAssembly is off (--jitless), or the engine or processor lacks an instruction. */
export function compileWasm(base64: string): WebAssembly.Module | undefined {
  try {
    return new WebAssembly.Module(Buffer.from(base64, "base64"));
  } catch {
    return undefined;
  }
}
