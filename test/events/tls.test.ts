/** A bucket behind TLS with an authority of one's own: trusted when it is named, refused otherwise. */

import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { s3Source } from "../../core/media/s3/s3-source.ts";
import { type BucketServer, settingsOf, startBucketServer } from "../support/bucket-server.ts";
import { type HttpsServer, serveHttps } from "../support/https-server.ts";
import { temporaryFolder } from "../support/temporary.ts";

let bucket: BucketServer;
let server: HttpsServer;

beforeAll(async () => {
  bucket = await startBucketServer();
  bucket.put("cat.png", "content");
  server = await serveHttps(({ method, headers, url }, answer) => {
    request(`${bucket.endpoint}${url}`, { method, headers }, (found) => {
      answer.writeHead(found.statusCode ?? 500, found.headers);
      found.pipe(answer);
    }).end();
  });
});
afterAll(async () => {
  server.close();
  await bucket.close();
});

test("the authority that is named is trusted", async () => {
  const caCerts = join(temporaryFolder(), "authority.pem");
  writeFileSync(caCerts, server.reach.certificateAuthority ?? "");
  const source = s3Source({ ...settingsOf(bucket), endpoint: server.origin, caCerts });
  expect(Buffer.from(await source.open("s3://photos/cat.png")).toString()).toBe("content");
  await source.close();
});

test("no other is", async () => {
  const source = s3Source({ ...settingsOf(bucket), endpoint: server.origin });
  await expect(source.open("s3://photos/cat.png")).rejects.toMatchObject({ code: "BACKEND_UNAVAILABLE" });
  await source.close();
});
