/** The backends known by name, and the same given to `open()` by those who bundle. */

import { describe, expect, it } from "vitest";
import { BACKENDS } from "../../../core/backends/registry.ts";
import { temporaryNearsight } from "../../support/temporary.ts";

const ADDRESSES: Readonly<Record<string, string>> = {
  local: "../../../core/backends/local/driver.ts",
  milvus: "../../../core/backends/milvus/milvus.ts",
  elasticsearch: "../../../core/backends/elasticsearch/elasticsearch.ts",
};

describe.each(Object.entries(ADDRESSES))("%s", (name, address) => {
  it("is the same by name as by its own entry", async () => {
    const byName = BACKENDS.find((driver) => driver.name === name);
    const { [name]: driver } = await import(address);
    expect(driver.name).toBe(name);
    for (const options of ["connectionOptions", "indexOptions"] as const) {
      expect([...driver[options]].sort()).toEqual([...(byName?.[options] ?? [])].sort());
    }
  });

  it("connects by name without asking the server, and is closed with its installation", async () => {
    const byName = BACKENDS.find((driver) => driver.name === name);
    const backend = await byName?.connect({ home: (await temporaryNearsight()).home }, {});
    expect(backend).toMatchObject({ name });
    await backend?.close();
  });
});

it("are offered in the order of the pages", () => {
  expect(BACKENDS.map(({ name }) => name)).toEqual(["local", "milvus", "elasticsearch"]);
});
