/** Finding pictures below a folder. */

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findImages } from "../../../core/io/find-images.ts";
import { temporaryFolder } from "../../support/temporary.ts";

test("pictures are found by name in all folders but hidden ones, in order, however folders are linked", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "b"));
  mkdirSync(join(folder, ".hidden"));
  for (const name of ["c.JPG", "a.png", "notes.txt", ".d.jpg", "b/e.webp", ".hidden/f.jpg"]) {
    writeFileSync(join(folder, name), "");
  }
  symlinkSync(folder, join(folder, "b", "round"));
  symlinkSync("nowhere.jpg", join(folder, "dead.jpg"));
  symlinkSync("self.jpg", join(folder, "self.jpg"));
  symlinkSync("a.png", join(folder, "link.png"));
  const found = await findImages(folder);
  expect(found.files).toEqual(["a.png", "b/e.webp", "c.JPG", "link.png"].map((name) => join(folder, name)));
  expect(found.unreadable).toEqual([]);
});

test("names are in the order of their bytes, not of the language", async () => {
  const folder = temporaryFolder();
  const names = ["Z.png", "a.png", "a10.png", "a9.png", "é.png", "Ω.png", "😀.png", "\uffee.png"];
  for (const name of names) writeFileSync(join(folder, name), "");
  const { files } = await findImages(folder);
  const byBytes = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  expect(files).toEqual(byBytes.map((name) => join(folder, name)));
});

test("a folder that is not there is unreadable, not empty", async () => {
  const folder = join(temporaryFolder(), "absent");
  expect(await findImages(folder)).toEqual({ files: [], unreadable: [folder] });
});
