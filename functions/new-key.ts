/** Prints a new API key and the record that the service keeps of it: `npm run key NAME SCOPE [END]`. */

import { apiKeyRecordSchema, createApiKey } from "./auth/api-keys.ts";
import type { Scope } from "./auth/caller.ts";

const [id = "", scope = "", notAfter] = process.argv.slice(2);
const { key, record } = createApiKey(id, scope as Scope);
const { data, error } = apiKeyRecordSchema.safeParse({
  ...record,
  ...(notAfter === undefined ? {} : { notAfter }),
});
if (data === undefined) {
  console.error(
    `Expected NAME, read|write|manage, and an end such as 2030-01-01T00:00:00Z\n${error.message}`,
  );
  process.exitCode = 2;
} else {
  console.log(`The key, told this once: ${key}\nIts record, for NEARSIGHT_API_KEYS: ${JSON.stringify(data)}`);
}
