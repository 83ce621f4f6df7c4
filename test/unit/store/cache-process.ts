/** A process of its own that fills an embedding cache, for the tests of several processes. */

import { openEmbeddingCache } from "../../../core/store/embedding-cache.ts";
import { keyNumber, vectorNumber } from "./cache-data.ts";

const [folder = "", first = "0", count = "0", maxBytes = String(2 ** 30)] = process.argv.slice(2);
const warnings: string[] = [];
const cache = openEmbeddingCache({
  folder,
  maxBytes: Number(maxBytes),
  warn: (message) => warnings.push(message),
});
for (let i = Number(first); i < Number(first) + Number(count); i += 8) {
  const numbers = Array.from({ length: 8 }, (_, j) => i + j);
  await cache.put(numbers.map((number) => ({ key: keyNumber(number), vector: vectorNumber(number) })));
}
const found = await cache.get(keyNumber(Number(first)));
await cache.close();
process.stdout.write(JSON.stringify({ found: found === null ? null : found[0], warnings }));
