/** Files and addresses that lie below roots, and the many ways to seem to. */

import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type MediaRoots, mediaRoots } from "../../../core/media/media-roots.ts";
import { temporaryFolder } from "../../support/temporary.ts";

let folder: string;
let roots: MediaRoots;
beforeAll(() => {
  folder = realpathSync(temporaryFolder());
  for (const name of ["photos", "photos/pets", "photos-private"]) mkdirSync(join(folder, name));
  for (const name of ["photos/cat.jpg", "photos/pets/dog.jpg", "photos-private/id.jpg", "secret.txt"]) {
    writeFileSync(join(folder, name), "");
  }
  symlinkSync(join(folder, "secret.txt"), join(folder, "photos/link.jpg"));
  symlinkSync(folder, join(folder, "photos/up"));
  symlinkSync(join(folder, "missing.jpg"), join(folder, "photos/dangling.jpg"));
  symlinkSync("circle.jpg", join(folder, "photos/circle.jpg"));
  symlinkSync("cat.jpg", join(folder, "photos/same.jpg"));
  symlinkSync(join(folder, "photos"), join(folder, "shortcut"));
  roots = mediaRoots([join(folder, "photos"), "https://images.example.org/public", "s3://bucket/photos"]);
});

describe("files", () => {
  test.each([
    ["photos/cat.jpg", "photos/cat.jpg"],
    ["photos/pets/../cat.jpg", "photos/cat.jpg"],
    ["photos/same.jpg", "photos/cat.jpg"],
    ["photos/later.jpg", "photos/later.jpg"],
    ["photos/new/later.jpg", "photos/new/later.jpg"],
    ["photos/..cat.jpg", "photos/..cat.jpg"],
  ])("%s is %s", async (path, real) => {
    expect(await roots.file(join(folder, path))).toBe(join(folder, real));
    expect(await roots.file(String(pathToFileURL(join(folder, path))))).toBe(join(folder, real));
    expect(await roots.file(relative(process.cwd(), join(folder, path)))).toBe(join(folder, real));
  });

  test.each([
    ...["photos", "photos/", "photos/..", "photos/../secret.txt", "photos/pets/../../secret.txt"],
    ...[
      "photos-private/id.jpg",
      "secret.txt",
      "photos/link.jpg",
      "photos/up/secret.txt",
      "photos/up/missing",
    ],
    ...["photos/dangling.jpg", "photos/circle.jpg", "photos/cat.jpg/..", "photos/cat.jpg\0.png"],
  ])("%j is none", async (path) => {
    expect(await roots.allows(`${folder}/${path}`)).toBe(false);
  });

  test.each([
    ...[
      "file://other-host/photos/cat.jpg",
      "file:///photos%2Fcat.jpg",
      "file:etc/passwd",
      "FILE:///etc/passwd",
    ],
    ...[
      "ftp://example.org/cat.jpg",
      "gopher://x",
      "http://images.example.org/public/a.jpg",
      "jar:file:///x",
      "",
    ],
  ])("%j is none", async (uri) => {
    expect(await roots.allows(uri)).toBe(false);
  });

  test("a root may be a link itself", async () => {
    const linked = mediaRoots([join(folder, "shortcut")]);
    expect(await linked.file(join(folder, "shortcut/cat.jpg"))).toBe(join(folder, "photos/cat.jpg"));
    expect(await linked.file(join(folder, "shortcut/up/secret.txt"))).toBeNull();
  });

  test("whatever is written, what is given lies below the root", async () => {
    const part = fc.constantFrom(
      "..",
      ".",
      "photos",
      "pets",
      "up",
      "link.jpg",
      "cat.jpg",
      "secret.txt",
      "",
      "%2e%2e",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 8 }), async (parts) => {
        const file = await roots.file(`${folder}/${parts.join("/")}`);
        expect(file === null || file.startsWith(join(folder, "photos/"))).toBe(true);
      }),
    );
  });
});

describe("addresses", () => {
  test.each([
    ...["https://images.example.org/public/a.jpg", "HTTPS://IMAGES.example.org:443/public/a.jpg?size=1"],
    ...[
      "https://images.example.org/x/../public/a.jpg",
      "s3://bucket/photos/a.jpg",
      "s3://bucket/photos/../a.jpg",
    ],
    "data:image/png;base64,AAAA",
  ])("%s may be used", async (uri) => {
    expect(await roots.allows(uri)).toBe(true);
  });

  test.each([
    ...["https://images.example.org/private/a.jpg", "https://images.example.org/public/../private/a.jpg"],
    ...["https://images.example.org/public/%2e%2e/private", "https://images.example.org/publicity/a.jpg"],
    ...["https://images.example.org.evil.org/public/a", "https://images.example.org@evil.org/public/a"],
    ...["https://user@images.example.org/public/a", "https://images.example.org:8443/public/a", "https://"],
    ...[
      "https:\\\\evil.org/public/a.jpg",
      "s3://bucket/photosecret",
      "s3://bucket2/photos/a.jpg",
      "s3:bucket",
    ],
  ])("%s may not", async (uri) => {
    expect(await roots.allows(uri)).toBe(false);
  });

  test.each(["http://example.org", "https://user:pw@example.org", "https://example.org/?x", "ftp://x"])(
    "%s is no root",
    (root) => {
      expect(() => mediaRoots([root])).toThrowError(expect.objectContaining({ code: "CONFIG_INVALID" }));
    },
  );
});
