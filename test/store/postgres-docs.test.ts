/** The code blocks of docs/store.md run on PostgreSQL. */

import { resolve } from "node:path";
import { testBlocks } from "../support/doc-blocks.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { placeOf } from "../support/temporary-store.ts";

testBlocks([resolve(import.meta.dirname, "../../docs/store.md")], {
  NEARSIGHT_STORE: placeOf(temporaryFolder()),
});
