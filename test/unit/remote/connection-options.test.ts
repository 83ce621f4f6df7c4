/** Options of a connection, whichever server it is for. */

import { expect, test } from "vitest";
import { BACKEND_SETTINGS, connectionOptions } from "../../../core/backend-settings.ts";
import { fileOfOption, givenOptions } from "../../../core/backends/remote/connection-options.ts";
import { refusal } from "../../contract/context.ts";

const SERVERS = ["milvus", "elasticsearch"];
const CELLS = SERVERS.flatMap((server) => connectionOptions(server).map((name) => [server, name] as const));
const GOOD: Readonly<Record<string, unknown>> = { string: "0123", boolean: false, list: ["a", "b"] };

test.each(CELLS)("%s: %s is taken as its declared type and refused as another", async (server, name) => {
  const value = GOOD[BACKEND_SETTINGS[server]?.[name]?.type ?? ""];
  expect(givenOptions(server, { [name]: value })).toEqual({ [name]: value });
  const error = await refusal(() => givenOptions(server, { [name]: 123 }), "CONFIG_INVALID");
  expect(error.details).toEqual({ option: name });
  expect(error.hint).toContain(name);
});

test("what is left out, null or empty is not given; one text is a list", () => {
  expect(givenOptions("milvus", { user: undefined, password: null, token: "", secure: false })).toEqual({
    secure: false,
  });
  expect(givenOptions("elasticsearch", { hosts: "http://a" })).toEqual({ hosts: "http://a" });
});

test.each([
  [{ hosts: ["http://a", 1] }, "a list with something else in it"],
  [{ hosts: { url: "http://a" } }, "an object"],
  [{ verifyCerts: "no" }, "a string"],
])("%j is refused with its kind", async (options, kind) => {
  const error = await refusal(() => givenOptions("elasticsearch", options), "CONFIG_INVALID");
  expect(error.message).toMatch(`but found ${kind}`);
});

test("a wrong value is not told, it may be a secret", async () => {
  const error = await refusal(() => givenOptions("milvus", { password: 4711 }), "CONFIG_INVALID");
  expect(JSON.stringify([error.message, error.hint, error.details])).not.toContain("4711");
});

test("a file that is not there names option and path", async () => {
  expect(fileOfOption("milvus", "caPemPath", undefined)).toBeUndefined();
  const error = await refusal(() => fileOfOption("milvus", "caPemPath", "absent.pem"), "CONFIG_INVALID");
  expect(error.details).toEqual({ option: "caPemPath", path: "absent.pem" });
});
