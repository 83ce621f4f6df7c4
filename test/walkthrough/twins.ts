/** Keeps account of a page's code blocks, so that none is without its twin. */

import { describe, expect, it } from "vitest";

/** The blocks of one page. */
export interface PageTwins {
  /** Registers the twin of one block of a section, or of several that share variables; blocks count from 1. */
  twin(section: string, blocks: number | readonly number[], run: () => Promise<void>): void;
  /** Registers the test that every block of the page has a twin or a reason to have none. */
  accountFor(): void;
}

/**
 * `blocks` has the page's sections in order with the number of code blocks in each; `withoutTwin` lists those
 * that only install or start something.
 */
export function pageTwins(
  blocks: Readonly<Record<string, number>>,
  withoutTwin: Readonly<Record<string, readonly number[]>>,
): PageTwins {
  const twins = new Set<string>();
  const nameOf = (section: string, block: number) => `${section} / ${block}`;
  return {
    twin(section, given, run) {
      const numbers = [given].flat();
      for (const number of numbers) twins.add(nameOf(section, number));
      describe(section, () => {
        it(numbers.length === 1 ? `block ${numbers[0]}` : `blocks ${numbers.join(" and ")}`, run);
      });
    },
    accountFor() {
      it("has a twin for every code block of the page", () => {
        const page = Object.entries(blocks).flatMap(([section, count]) =>
          Array.from({ length: count }, (_, i) => nameOf(section, i + 1)),
        );
        const left = Object.entries(withoutTwin).flatMap(([section, numbers]) =>
          numbers.map((number) => nameOf(section, number)),
        );
        expect([...twins, ...left].sort()).toEqual(page.sort());
      });
    },
  };
}
