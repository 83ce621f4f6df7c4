/** A bucket behind TLS with an authority of one's own: trusted when it is named, refused otherwise. */

import { readFileSync } from "node:fs";
import { request } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { s3Source } from "../../core/media/s3/s3-source.ts";
import { type Certificates, certificatesIn } from "../../tools/servers/certificates.ts";
import { type BucketServer, settingsOf, startBucketServer } from "../support/bucket-server.ts";
import { temporaryFolder } from "../support/temporary.ts";

let bucket: BucketServer;
let certificates: Certificates;
let server: Server;
let endpoint: string;

beforeAll(async () => {
  bucket = await startBucketServer();
  bucket.put("cat.png", "content");
  certificates = await certificatesIn(join(temporaryFolder(), "certificates"));
  const key = readFileSync(certificates.serverKey);
  server = createServer({ key, cert: readFileSync(certificates.server) }, (asked, answer) => {
    const { method, headers } = asked;
    request(`${bucket.endpoint}${asked.url}`, { method, headers }, (found) => {
      answer.writeHead(found.statusCode ?? 500, found.headers);
      found.pipe(answer);
    }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endpoint = `https://localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await bucket.close();
});

test("the authority that is named is trusted", async () => {
  const source = s3Source({ ...settingsOf(bucket), endpoint, caCerts: certificates.authority });
  expect(Buffer.from(await source.open("s3://photos/cat.png")).toString()).toBe("content");
  await source.close();
});

test("no other is", async () => {
  const source = s3Source({ ...settingsOf(bucket), endpoint });
  await expect(source.open("s3://photos/cat.png")).rejects.toMatchObject({ code: "BACKEND_UNAVAILABLE" });
  await source.close();
});
