/** FiftyOne's options as what the SDK is given. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { milvus } from "../../../core/backends/milvus/milvus.ts";
import { connectionPlan } from "../../../core/backends/milvus/options.ts";
import { expectCode } from "../../contract/context.ts";
import { temporaryFolder } from "../../support/temporary.ts";

function file(content: string): string {
  const path = join(temporaryFolder(), "file.pem");
  writeFileSync(path, content);
  return path;
}

describe("address", () => {
  test.each([
    [undefined, "localhost:19530", false],
    ["http://10.0.0.1:19531", "10.0.0.1:19531", false],
    ["localhost", "localhost:19530", false],
    ["db.example:1234", "db.example:1234", false],
    ["https://in01.serverless.zillizcloud.com", "in01.serverless.zillizcloud.com:443", true],
    ["https://in01.zillizcloud.com:19534", "in01.zillizcloud.com:19534", true],
    ["tcp://h:1", "h:1", false],
  ])("%s is %s", (uri, address, ssl) => {
    const { config } = connectionPlan({ uri });
    expect({ address: config.address, ssl: config.ssl }).toEqual({ address, ssl });
  });

  test.each(["./milvus_demo.db", "ftp://host", "http://", "http://a b"])("%s is refused", (uri) =>
    expectCode(() => connectionPlan({ uri }), "CONFIG_INVALID"),
  );

  test("of Zilliz Cloud is known by its name alone", () => {
    expect(connectionPlan({ uri: "https://in03-1.api.gcp.zillizcloud.com" }).isZilliz).toBe(true);
    expect(connectionPlan({ uri: "https://zillizcloud.com.example" }).isZilliz).toBe(false);
  });
});

describe("credentials", () => {
  test("user and password, token, and those of the address", () => {
    expect(connectionPlan({ user: "me", password: "0123" }).config).toMatchObject({
      username: "me",
      password: "0123",
    });
    expect(connectionPlan({ token: "key" }).config).toMatchObject({ token: "key" });
    expect(connectionPlan({ uri: "http://me:p%40ss@host/books" }).config).toMatchObject({
      address: "host:19530",
      username: "me",
      password: "p@ss",
      database: "books",
    });
    expect(connectionPlan({}).config).not.toHaveProperty("username");
  });

  test("empty ones are none, as FiftyOne has it", () => {
    expect(connectionPlan({ user: "", password: "", token: "" }).config).not.toHaveProperty("password");
  });

  test("one without the other is refused", async () => {
    await expectCode(() => connectionPlan({ user: "me" }), "CONFIG_INVALID");
    await expectCode(() => connectionPlan({ password: "p" }), "CONFIG_INVALID");
  });

  test("are secrets in every form they are sent in, and no part of the address", () => {
    const plan = connectionPlan({ uri: "http://me:canary1@host", token: "root:canary2" });
    expect(plan.secrets).toEqual(
      expect.arrayContaining([
        "canary1",
        "canary2",
        "root:canary2",
        btoa("me:canary1"),
        btoa("root:canary2"),
      ]),
    );
    expect(plan.address).toBe("host:19530");
  });
});

describe("TLS", () => {
  test("one way: the authority's certificate, or the server's own", () => {
    const [ca, server] = [file("CA"), file("SERVER")];
    expect(connectionPlan({ caPemPath: ca }).config).toMatchObject({
      ssl: true,
      tls: { rootCert: Buffer.from("CA") },
    });
    expect(connectionPlan({ serverPemPath: server, secure: true }).config.tls?.rootCert).toEqual(
      Buffer.from("SERVER"),
    );
    expect(connectionPlan({ serverPemPath: server, caPemPath: ca }).config.tls?.rootCert).toEqual(
      Buffer.from("CA"),
    );
  });

  test("mutual: key and certificate, and the name in the server's", () => {
    const [clientKeyPath, clientPemPath] = [file("KEY"), file("CERT")];
    expect(connectionPlan({ clientKeyPath, clientPemPath, serverName: "db" }).config.tls).toEqual({
      privateKey: Buffer.from("KEY"),
      certChain: Buffer.from("CERT"),
      serverName: "db",
    });
  });

  test("none unless asked for", () => {
    expect(connectionPlan({ secure: false }).config).toMatchObject({ ssl: false });
    expect(connectionPlan({ secure: true }).config).toMatchObject({ ssl: true, tls: {} });
  });

  test("half of a pair and a file that is not there are refused", async () => {
    await expectCode(() => connectionPlan({ clientKeyPath: file("KEY") }), "CONFIG_INVALID");
    await expectCode(() => connectionPlan({ clientPemPath: file("CERT") }), "CONFIG_INVALID");
    await expectCode(() => connectionPlan({ caPemPath: "absent.pem" }), "CONFIG_INVALID");
  });
});

test("the SDK logs nothing, retries nothing and reports nothing by itself", () => {
  expect(connectionPlan({}).config).toMatchObject({
    maxRetries: 0,
    logLevel: "error",
    telemetry: { enabled: false },
  });
});

test("options of a wrong type are refused before a connection is tried", async () => {
  const place = { home: temporaryFolder() };
  await expectCode(() => milvus.connect(place, { password: 123 }), "CONFIG_INVALID");
  await expectCode(() => milvus.connect(place, { secure: "yes" }), "CONFIG_INVALID");
  const backend = await milvus.connect(place, { uri: "http://localhost:1", user: null });
  expect(backend.name).toBe("milvus");
  await backend.close();
});
