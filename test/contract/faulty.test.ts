/** The contract itself is tried: each of these backends has one fault, and a case has to find it. */

import { describe, expect, test } from "vitest";
import type { Collection } from "../../core/backends/backend.ts";
import { failedCases } from "./backend-contract.ts";
import { FAULTS } from "./faults/faults.ts";
import { SERVER_FAULTS } from "./faults/server-faults.ts";
import { faulty, limited } from "./faults/spoil.ts";
import { SCALE } from "./scale.ts";

/** The case made to find each fault; others may find it too. */
const FOUND_BY: Readonly<Record<keyof typeof FAULTS, string>> = {
  "returns at most 10 hits": "search > more hits than entries gives all entries, and so does k null",
  "returns at most 1,000 hits": "scale > k 10000 gives 10000 hits",
  "upsert replaces the whole collection":
    "write > upsert replaces entries of the same id and touches no other",
  "makes doubles of ids that are written again": "write > writing the same batch again makes no doubles",
  "gives the score in place of the distance":
    "search > cosine: distances, order and sample ids are the oracle's",
  "gives squared euclidean distances": "search > euclidean: distances, order and sample ids are the oracle's",
  "gives cosine distances off by a thousandth":
    "search > cosine: distances, order and sample ids are the oracle's",
  "ignores the selection": "selection > hits are only of the selection, few or most of the entries",
  "ignores maxDistance": "search > an entry within maxDistance exactly is a hit",
  "ignores reverse": "search > dotproduct: reverse gives the farthest first",
  "caps the distance before it takes the farthest":
    "selection > reverse and maxDistance work within a selection",
  "loses the last batch": "write > every batch arrives, the short last one too",
  "swallows refused entries": "write > vectors with NaN or infinite numbers are reported, the others written",
  "size counts deleted entries": "write > delete removes those entries and counts only them",
  "normalises the caller's vectors in place": "write > the caller's arrays stay as they are",
  "changes the caller's query": "search > the caller's query stays as it is",
  "finds nothing in an absent collection": "errors > each call on a dropped collection is INDEX_NOT_FOUND",
  "does not escape quotes in ids": "ids > deleting some ids leaves all others",
  "answers several queries in the wrong order":
    "search > several queries are answered in their order, as one by one",
  "cuts a selection to 1,024 ids": "scale > a selection of 10000 ids is taken whole",
  "answers from before the last write": "search > a write is seen by the next search",
  "breaks ties as it likes":
    "search > doubles have the same distance, near 0 and never clearly below, and come by id",
  "fetches a selection in the order of writing":
    "fetch > a selection comes in its order, without what does not exist",
  "keeps the sample id of the first write":
    "write > upsert replaces entries of the same id and touches no other",
  "takes a name that is in use":
    "lifecycle > a taken name is INDEX_EXISTS, for the same and for another spec, and changes nothing",
  "takes every copy for the entry itself":
    "neighbors > copies are neighbours of each other at distance 0, by id, and no entry is its own",
  "counts the entry among its neighbours":
    "neighbors > cosine: the nearest of each entry are the oracle's, itself left out",
  "loses one neighbour to the entry itself":
    "neighbors > cosine: the nearest of each entry are the oracle's, itself left out",
  "gives the neighbours of a selection from everywhere":
    "neighbors > a selection limits entries and neighbours alike",
  "looks for neighbours at any distance": "neighbors > cosine: all within a distance are the oracle's",
  "lists each pair of neighbours once": "neighbors > euclidean: all within a distance are the oracle's",
  "gives neighbours in no order":
    "neighbors > cosine: the nearest of each entry are the oracle's, itself left out",
  "gives squared distances of neighbours": "neighbors > euclidean: all within a distance are the oracle's",
  "gives the first part of the neighbours only":
    "neighbors > over a thousand entries are all there, in parts",
  "does not hear the signal": "errors > a signal that has fired is ABORTED and nothing is done",
};

/** The case made to find each fault of a driver for a server, and how it puts it. */
const SERVER_FOUND_BY: Readonly<Record<keyof typeof SERVER_FAULTS, readonly [name: string, says: string]>> = {
  "loses the last entry of each full page of a fetch": [
    "scale > a fetch of everything gives each entry once, as it was, in batches of at most 1,000",
    "to be 20480",
  ],
  "begins each page of a fetch with the last entry of the one before": [
    "scale > a fetch of everything gives each entry once, as it was, in batches of at most 1,000",
    "each entry once",
  ],
  "fetches 10 entries of a selection": ["write > entries of one sample are entries of their own", "patch"],
  "makes up entries for unknown ids": [
    "fetch > a selection comes in its order, without what does not exist",
    "…(5)",
  ],
  "takes a k above 10,000 for 10,000": ["scale > k 10001 gives 10001 hits", "number of hits"],
  "takes a k above 16,384 for 16,384": ["scale > k 16385 gives 16385 hits", "number of hits"],
  "finds one of eight hits where many are asked for": ["scale > k 10000 gives 10000 hits", "number of hits"],
  "halves cosine distances": [
    "search > cosine: distances, order and sample ids are the oracle's",
    "distance of",
  ],
  "takes inner products for distances": [
    "search > dotproduct: distances, order and sample ids are the oracle's",
    "distance of",
  ],
  "takes maxDistance for a least score": [
    "search > dotproduct: maxDistance leaves out what is farther",
    "number of hits",
  ],
  "turns the nearest around for reverse": [
    "search > cosine: reverse gives the farthest first",
    "distance at position 0",
  ],
  "ignores selections of more than 65,536 ids": [
    "scale > a selection of 65537 ids is taken whole",
    "distance at position",
  ],
  "cuts a selection to 65,536 ids": ["scale > a selection of 65537 ids is taken whole", "to include"],
  "cuts a selection to 10,000 ids": ["scale > a selection of 10001 ids is taken whole", "to include"],
  "searches first and selects afterwards": [
    "scale > random: hits among 1 % of them are the oracle's",
    "number of hits",
  ],
  "misses one hit in twenty": ["scale > random: hits among all entries are the oracle's", "recall"],
  "says that its approximate answers are exact": [
    "scale > random: hits among all entries are the oracle's",
    "distance at position",
  ],
  "reads ids as part of an expression": [
    "ids > an id that reads like a filter is the id of no entry",
    "or pk in",
  ],
  "takes ids in any case": [
    "ids > ids that differ in case, a space or an accent are different entries",
    "same",
  ],
  "strips blanks from ids": [
    "ids > ids that differ in case, a space or an accent are different entries",
    "same",
  ],
  "cuts long ids to 512 characters": ["ids > the longest ids are kept apart", "written"],
  "keeps the first vector of an id": [
    "write > overwritten twice, an entry is found by its last vector only",
    "close to",
  ],
  "size counts overwritten entries": [
    "write > overwritten twice, an entry is found by its last vector only",
    "to be 21",
  ],
  "counts as deleted what it was asked to delete": [
    "write > delete removes those entries and counts only them",
    "written",
  ],
  "deletes by the id of the sample, too": [
    "write > entries of one sample are entries of their own",
    "written",
  ],
  "lets a refused entry take its batch along": [
    "write > one zero vector of two hundred is reported under cosine, the others written",
    "e0000",
  ],
  "keeps three digits of each number": [
    "write > numbers come back as they were, whatever their size",
    "Float32Array",
  ],
  "shows writes to other clients later": [
    "concurrency > another client sees a finished write at once",
    "round0",
  ],
  "takes a name in use for the same collection": [
    "lifecycle > a taken name is INDEX_EXISTS, for the same and for another spec, and changes nothing",
    "nothing was thrown",
  ],
  "takes a prefix for a pattern": [
    "lifecycle > list gives the names that start with the prefix, letter for letter, sorted",
    "contract_",
  ],
  "takes an unknown metric for cosine": [
    "limits > metrics that are not claimed are METRIC_NOT_SUPPORTED",
    "nothing was thrown",
  ],
  "says that a dropped collection is empty": [
    "errors > each call on a dropped collection is INDEX_NOT_FOUND",
    "nothing was thrown",
  ],
};

describe("a backend that", () => {
  for (const [fault, open] of Object.entries(FAULTS)) {
    test(`${fault} fails the contract`, async () => {
      const name = FOUND_BY[fault as keyof typeof FAULTS];
      expect((await failedCases({ open }, [name])).map((failed) => failed.name)).toEqual([name]);
    });
  }

  for (const [fault, open] of Object.entries(SERVER_FAULTS)) {
    test(`${fault} fails the contract`, async () => {
      const [name, says] = SERVER_FOUND_BY[fault as keyof typeof SERVER_FAULTS];
      const failed = await failedCases({ open }, [name]);
      expect(failed.map((one) => one.name)).toEqual([name]);
      expect(String(failed[0]?.error)).toContain(says);
    });
  }

  test("does not keep to the limits it names fails the contract", async () => {
    const limits = { idBytes: 512, dimension: 96 };
    const names = [
      "ids > an id one byte too long is reported with the limit, the others written",
      "limits > a vector of one number more than the server takes is LIMIT_EXCEEDED",
    ];
    expect(await failedCases({ open: limited(limits), limits }, names)).toEqual([]);
    const failed = await failedCases({ open: faulty(() => ({})), limits }, names);
    expect(failed.map((one) => one.name)).toEqual(names);
  });

  test("has an unfinished index fails the contract", async () => {
    const names = ["random", "clustered"].map(
      (kind) => `scale > ${kind}: ${SCALE} entries are written in one batch and indexed`,
    );
    const asked: number[] = [];
    const indexed = async (_: Collection, entries: number) => {
      asked.push(entries);
      throw new Error("Expected a finished index");
    };
    const failed = await failedCases({ open: faulty(() => ({})), indexed }, names);
    expect(failed.map((one) => one.name)).toEqual(names);
    expect(asked).toEqual([SCALE, SCALE]);
  });

  test("rounds what it keeps more than it says fails the contract", async () => {
    const names = ["fetch > everything comes once, vectors and sample ids exact, for each metric"];
    const open = SERVER_FAULTS["keeps three digits of each number"];
    const cosineOnly = { metrics: ["cosine"] } as const;
    const rounded = () => {
      const backend = open();
      return { ...backend, capabilities: { ...backend.capabilities, ...cosineOnly } };
    };
    expect(await failedCases({ open: rounded, rounding: 0.01 }, names)).toEqual([]);
    expect(await failedCases({ open: rounded, rounding: 1e-6 }, names)).toHaveLength(1);
  });
});
