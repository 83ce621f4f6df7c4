/** Names of slots on the caller's side keep step with writes, and with another index of the same name. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { loadKernel } from "../../../core/backends/local/kernel/kernel.ts";
import { Resident } from "../../../core/backends/local/resident.ts";
import { answerOf, SlotNames } from "../../../core/backends/local/slot-names.ts";
import { headerOf } from "../../../core/backends/local/spec.ts";
import { deleteEntries, upsertEntries } from "../../../core/backends/local/writes.ts";
import { newIndexFile } from "./index-files.ts";

const header = { ...headerOf({ name: "x", metric: "cosine", dimension: 2 }), rowsPerBlock: 4 };

function open() {
  const file = newIndexFile(header);
  const fresh = () => new Resident(loadKernel(), header);
  let resident = fresh();
  return {
    file,
    /** Makes the collection in memory anew, as after it was let go of. */
    reload: () => {
      resident = fresh();
    },
    current: () => {
      file.read((now) => resident.refresh(file, now));
      return resident;
    },
  };
}

function allSlots(resident: Resident) {
  const slots = Uint32Array.from(resident.live.keys()).filter((slot) => resident.live[slot] === 1);
  return { slots, distances: new Float32Array(slots.length) };
}

const step = fc.oneof(
  fc.record({ put: fc.uniqueArray(fc.nat(30), { minLength: 1, maxLength: 12 }), own: fc.boolean() }),
  fc.record({ remove: fc.array(fc.nat(30), { minLength: 1, maxLength: 8 }) }),
  fc.constant("reload" as const),
);

test("after any writes the names of all slots are those of the index", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const { file, reload, current } = open();
      const names = new SlotNames();
      for (const one of steps) {
        if (one === "reload") reload();
        else if ("put" in one) {
          const ids = one.put.map((number) => `entry ${number}`);
          const sampleIds = one.own ? ids : ids.map((id) => `sample of ${id}`);
          upsertEntries(file, { ids, sampleIds, data: new Float32Array(ids.length * 2).fill(1) });
        } else
          deleteEntries(
            file,
            one.remove.map((number) => `entry ${number}`),
          );
        const resident = current();
        const hits = allSlots(resident);
        const [found] = names.read(structuredClone(answerOf(resident, [hits], names.known)));
        expect(found?.ids).toEqual([...hits.slots].map((slot) => resident.ids[slot]));
        expect(found?.sampleIds).toEqual([...hits.slots].map((slot) => resident.sampleIds[slot]));
      }
      file.close();
    }),
    { seed: 11, numRuns: 40 },
  );
});

test("names are sent once, and then those of the blocks that changed; few hits bring their own", () => {
  const { file, current } = open();
  const ids = Array.from({ length: 40 }, (_, i) => `entry ${i}`);
  const upsert = (some: string[]) =>
    upsertEntries(file, { ids: some, sampleIds: some, data: new Float32Array(some.length * 2).fill(1) });
  upsert(ids);
  const names = new SlotNames();
  const few = { slots: Uint32Array.of(7), distances: Float32Array.of(0.5) };
  expect(answerOf(current(), [few], names.known)).toHaveProperty("packed");
  const answer = () => answerOf(current(), [allSlots(current())], names.known);
  names.read(answer());
  expect(answer()).toMatchObject({ names: { parts: [] } });
  expect(answerOf(current(), [few], names.known)).toMatchObject({ hits: [few], names: { parts: [] } });
  upsert(["entry 9"]);
  expect(answerOf(current(), [few], names.known)).toHaveProperty("packed");
  const changed = answer();
  expect("names" in changed && changed.names.parts.map(({ first }) => first)).toEqual([8]);
  file.close();
});
