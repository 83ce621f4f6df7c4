/** Ids cross threads whole, whatever they hold. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { packEntries, unpackEntries } from "../../../core/backends/local/packed.ts";

test("any ids come back as they were", () => {
  const id = fc.string({ unit: "binary", maxLength: 5 });
  fc.assert(
    fc.property(fc.array(fc.tuple(id, id)), fc.boolean(), (pairs, same) => {
      const names = {
        ids: pairs.map(([one]) => one),
        sampleIds: pairs.map(([one, two]) => (same ? one : two)),
      };
      const packed = structuredClone(packEntries(names, [...pairs.keys()]));
      expect(unpackEntries(packed)).toEqual(names);
    }),
    { seed: 8 },
  );
});
