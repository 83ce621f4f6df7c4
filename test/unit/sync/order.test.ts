/** Whatever is heard of a bucket, how often, in what order and by how many: in the end its state is that of the bucket. */

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Dataset } from "../../../core/index.ts";
import { ask, rowsOf } from "../../store/places.ts";
import type { BucketServer } from "../../support/bucket-server.ts";
import { type Gate, type GatePlace, gatedBackend } from "../../support/gated-backend.ts";
import {
  BRAIN_KEY,
  expectInStep,
  nearsightOn,
  PICTURES,
  picture,
  startSynced,
} from "../../support/synced.ts";
import { placeOf } from "../../support/temporary-store.ts";

let server: BucketServer;
let dataset: Dataset;
/** The same data set in another installation of the store, whose writes of vectors can be held up. */
let slow: Dataset;
let gate: Gate;
let home: string;

beforeEach(async () => {
  const synced = await startSynced();
  const gated = gatedBackend();
  const other = await nearsightOn(synced.server, {
    config: { home: synced.ns.home },
    backends: [gated.driver],
  });
  ({ server, dataset } = synced);
  slow = await other.loadDataset("photos");
  gate = gated.gate;
  home = synced.ns.home;
});
afterEach(() => server.close());

const keys = fc.constantFrom("a.png", "b c+ü.png");
const change = fc.record({ key: keys, content: fc.constantFrom(null, "no picture", ...PICTURES.keys()) });
type Change = { key: string; content: string | null };

function apply({ key, content }: Change): void {
  if (content === null) server.delete(key);
  else server.put(key, PICTURES.get(content) ?? content);
}

/** What a handler does with an event; a picture that no index takes is the handler's to report. */
async function hear(by: Dataset, key: string): Promise<void> {
  await by.reconcile(server.uri(key)).catch((error: unknown) => {
    expect(error).toMatchObject({ code: "WRITE_PARTIAL" });
  });
}

/** As `expectInStep`, but for pictures that cannot be read: those have a failed entry and no vector that is found. */
async function expectLike(): Promise<void> {
  const unreadable = server.keys().filter((key) => server.contentOf(key) === "no picture");
  if (unreadable.length === 0) return expectInStep(server, dataset);
  const { entries } = await dataset.getBrainInfo(BRAIN_KEY);
  expect(entries).toMatchObject({
    failed: unreadable.length,
    indexed: server.keys().length - unreadable.length,
  });
  const found = await dataset.sortBySimilarity({ prompt: "red" }, { brainKey: BRAIN_KEY }).values("filepath");
  const readable = server.keys().filter((key) => !unreadable.includes(key));
  expect(found.sort()).toEqual(readable.map(server.uri).sort());
}

test("events of a random history, doubled and in any order, heard by two workers at once", async () => {
  const deliveries = fc.array(fc.nat({ max: 3 }), { maxLength: 3 });
  const history = fc.array(fc.record({ change, early: deliveries }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(history, fc.infiniteStream(fc.nat()), async (steps, chosen) => {
      const next = (below: number) => (chosen.next().value ?? 0) % below;
      const heard: Promise<void>[] = [];
      const events: string[] = [];
      const deliver = (key: string) => heard.push(hear(next(2) === 0 ? dataset : slow, key));
      for (const { change: one, early } of steps) {
        apply(one);
        events.push(one.key);
        for (const _ of early) deliver(events[next(events.length)] ?? one.key);
      }
      // Every event comes at least once after what it tells of, the last ones first or not.
      for (const key of shuffled([...events, ...events], next)) deliver(key);
      await Promise.all(heard);
      await expectLike();
    }),
    { numRuns: 12 },
  );
});

function shuffled(items: readonly string[], next: (below: number) => number): string[] {
  const rest = [...items];
  return items.flatMap(() => rest.splice(next(rest.length), 1));
}

describe.each<GatePlace>(["before the write", "after the write"])("a worker that is held up %s", (place) => {
  test.each([
    ["overwritten", () => server.put("a.png", picture("blue"))],
    ["deleted", () => server.delete("a.png")],
  ])("changes nothing once the key was %s and another worker was there", async (_, happen) => {
    server.put("a.png", picture("red"));
    const held = gate.close(place);
    const first = slow.reconcile(server.uri("a.png"));
    await held;
    happen();
    await endLeases();
    await dataset.reconcile(server.uri("a.png"));
    gate.open();
    await first;
    await expectInStep(server, dataset);
  });
});

test("the late write of a worker that is killed after it is repaired by the next look", async () => {
  const uri = server.uri("a.png");
  server.put("a.png", picture("red"));
  const held = gate.close("before the write");
  const first = slow.reconcile(uri);
  await held;
  server.put("a.png", picture("blue"));
  await endLeases();
  await dataset.reconcile(uri);
  // The write goes through, and what would follow it never comes while the others look.
  const late = gate.close("after the write");
  await late;
  await dataset.reconcile(uri);
  await expectInStep(server, dataset);
  gate.open();
  await first;
  await expectInStep(server, dataset);
});

test("a key that is certain again leaves nothing behind in the store", async () => {
  server.put("a.png", picture("red"));
  const held = gate.close("after the write");
  const first = slow.reconcile(server.uri("a.png"));
  await held;
  await endLeases();
  await dataset.reconcile(server.uri("a.png"));
  gate.open();
  await first;
  expect(await rowsOf(placeOf(home), "key_leases")).toBe(1);
  await ask(placeOf(home), "update key_leases set unsettled_until = 1");
  expect(await dataset.sync("s3://photos")).toMatchObject({ updated: 1 });
  expect(await rowsOf(placeOf(home), "key_leases")).toBe(0);
  expect(await dataset.sync("s3://photos")).toMatchObject({ unchanged: 1 });
});

test("a place that does not answer leaves all as it was, for the next delivery", async () => {
  server.put("a.png", picture("red"));
  await dataset.reconcile(server.uri("a.png"));
  server.delete("a.png");
  Object.assign(server.fault, { status: 403, code: "AccessDenied", times: 1 });
  await expect(dataset.reconcile(server.uri("a.png"))).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  expect(await dataset.count()).toBe(1);
  expect(await dataset.reconcile(server.uri("a.png"))).toBe("deleted");
  await expectInStep(server, dataset);
});

/** As if so much time had passed that every lease is over. */
async function endLeases(): Promise<void> {
  await ask(placeOf(home), "update key_leases set held_until = 0");
}
