/** Pictures nobody would like to get: each is decoded as other programs do, or refused with a reason, quickly and in little memory. */

import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { decodeImage, type RgbImage } from "../../../core/media/image.ts";
import type { ImageInputSpec } from "../../../core/media/input-spec.ts";
import { imageTensor } from "../../../core/media/resize.ts";
import { loadSharp } from "../../../core/media/sharp.ts";
import { openMedia } from "../../../core/media/source.ts";
import { thumbnail } from "../../../core/media/thumbnail.ts";
import { serve } from "../../support/loopback.ts";
import { encodePicture, noisePicture, plainPicture } from "../../support/pictures.ts";
import { asYcck, orientationExif, rawPng, rawTiff, withExif } from "../../support/raw-pictures.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const SPEC: ImageInputSpec = {
  kind: "image",
  width: 224,
  height: 224,
  resize: { mode: "exact", width: 224, height: 224 },
  resample: "bicubic",
  centerCrop: null,
  rescale: 1 / 255,
  mean: [0, 0, 0],
  std: [1, 1, 1],
};

const pixel = ({ width, data }: RgbImage, x = 0, y = 0): number[] => [
  ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];

function invalid(words: string) {
  return { code: "MEDIA_INVALID", message: expect.stringContaining(words), hint: expect.any(String) };
}

describe("cut off", () => {
  const noise = noisePicture(64, 48, 3);
  const parts = [3, 10, 40, 0.3, 0.6, 0.9];

  test.each(["png", "jpeg", "webp", "gif"] as const)("a %s, wherever it ends", async (format) => {
    const whole = await encodePicture(noise, format);
    for (const part of parts) {
      const length = part < 1 ? Math.floor(whole.length * part) : part;
      await expect(decodeImage(whole.subarray(0, length)), `${length} bytes`).rejects.toMatchObject(
        invalid(length < 12 ? "" : "cut off"),
      );
    }
  });

  test("a TIFF and an AVIF", async () => {
    const tiff = rawTiff(64, 64, 77);
    expect(pixel(await decodeImage(tiff))).toEqual([77, 77, 77]);
    for (const missing of [1, 1_000, 4_000]) {
      await expect(decodeImage(tiff.subarray(0, -missing))).rejects.toMatchObject(invalid("cut off"));
    }
    const sharp = await loadSharp();
    const avif = await sharp(noise.data, { raw: { width: 64, height: 48, channels: 3 } })
      .avif({ effort: 0 })
      .toBuffer();
    await expect(decodeImage(avif.subarray(0, avif.length / 2))).rejects.toMatchObject(invalid("cut off"));
  });
});

describe("no picture", () => {
  const SVG =
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>';

  test.each<[string, Uint8Array, string]>([
    ["nothing", Buffer.alloc(0), "empty"],
    ["one byte", Buffer.from([0xff]), "format"],
    ["zeros", Buffer.alloc(5_000), "format"],
    ["text", Buffer.from("a picture, honestly"), "format"],
    ["a PDF", Buffer.from("%PDF-1.7\n1 0 obj\n<<>>\nendobj"), "format"],
    ["a zip", Buffer.from("PK\x03\x04\x14\0\0\0\x08\0rest of it"), "format"],
    ["a program", Buffer.from("\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0", "latin1"), "format"],
    ["a table", Buffer.from("1,2,3\n4,5,6\n"), "format"],
    ["libvips' own format", Buffer.from("b6a6f20800000000000000000000", "hex"), "format"],
    ["SVG", Buffer.from(SVG), "SVG"],
    ["SVG in gzip", gzipSync(SVG), "format"],
    ["SVG behind spaces", Buffer.from(" ".repeat(400) + SVG), "format"],
    ["SVG behind text", Buffer.from(`GIF ${SVG}`), "format"],
    ["SVG in UTF-16", Buffer.from(`\ufeff${SVG}`, "utf16le"), "format"],
    ["a JPEG's start and nothing else", Buffer.from("ffd8ffe0", "hex"), "begins like JPEG"],
    ["a PNG of no width", rawPng(0, 8, deflateSync(Buffer.alloc(10))), "begins like PNG"],
    ["a video", Buffer.from("\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "latin1"), "begins like AVIF"],
  ])("%s", async (_, bytes, words) => {
    await expect(decodeImage(bytes)).rejects.toMatchObject(invalid(words));
    await expect(thumbnail(bytes)).rejects.toMatchObject({ code: "MEDIA_INVALID" });
  });

  test("SVG reads no file and asks no address, however it is wrapped", async () => {
    const asked: string[] = [];
    const { endpoint, close } = await serve((request, response) => {
      asked.push(request.url ?? "");
      response.end();
    });
    const folder = temporaryFolder();
    const secret = join(folder, "secret.png");
    writeFileSync(secret, await encodePicture(plainPicture(4, 4, [255, 0, 0])));
    const evil = `<!DOCTYPE svg [<!ENTITY file SYSTEM "file://${secret}"><!ENTITY net SYSTEM "${endpoint}/entity">]>
      <svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9">
      <image xlink:href="${endpoint}/image.png" width="9" height="9"/><image href="${secret}" width="9" height="9"/>
      <style>@import url("${endpoint}/style");</style><script href="${endpoint}/script"/><text>&file;&net;</text></svg>`;
    for (const bytes of [Buffer.from(evil), gzipSync(evil), Buffer.from(" ".repeat(500) + evil)]) {
      await expect(decodeImage(bytes)).rejects.toMatchObject({ code: "MEDIA_INVALID" });
    }
    await close();
    expect(asked).toEqual([]);
  });

  test("what follows the picture in the same file is not looked at", async () => {
    const page = Buffer.from("<html><script>alert(1)</script>");
    const archive = Buffer.from("PK\x03\x04more");
    for (const format of ["png", "jpeg", "gif"] as const) {
      const bytes = await encodePicture(plainPicture(6, 5, [200, 0, 0]), format);
      const both = await decodeImage(Buffer.concat([bytes, page, archive]));
      expect([both.width, both.height]).toEqual([6, 5]);
      expect(both.data).toEqual((await decodeImage(bytes)).data);
    }
  });
});

describe("too large", () => {
  test.each([
    [30_000, 30_000],
    [65_500, 65_500],
    [2 ** 31 - 1, 2 ** 31 - 1],
  ])("a PNG of %i x %i is refused from its header", async (width, height) => {
    const before = process.memoryUsage().rss;
    const bomb = rawPng(width, height, deflateSync(Buffer.alloc(1_000_000)));
    expect(bomb.length).toBeLessThan(2_000);
    await expect(decodeImage(bomb)).rejects.toMatchObject({
      code: expect.stringMatching(width < 1e6 ? /LIMIT_EXCEEDED/ : /LIMIT_EXCEEDED|MEDIA_INVALID/),
    });
    await expect(thumbnail(bomb)).rejects.toMatchObject({ hint: expect.any(String) });
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
  });

  test.each([
    [90_000_000, 1],
    [1, 90_000_000],
  ])("%i x %i pixels have a side that is too long", async (width, height) => {
    const thin = rawPng(width, height, deflateSync(Buffer.alloc(100)));
    await expect(decodeImage(thin)).rejects.toMatchObject({
      code: "LIMIT_EXCEEDED",
      message: expect.stringContaining("sides"),
      details: { limit: 1_000_000, found: 90_000_000 },
    });
  });

  test("a tall thin picture takes no more memory to resize than a small one", () => {
    const height = 60_000;
    const image = { width: 1, height, data: new Uint8Array(height * 3).fill(100) };
    const before = process.memoryUsage();
    const tensor = imageTensor(image, SPEC);
    const after = process.memoryUsage();
    expect(tensor.every((value) => Math.abs(value - 100 / 255) < 1e-6)).toBe(true);
    // Resampled across first, all its rows would take 40 MB.
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(15e6);
  });

  test("an animation of ten thousand frames costs one", async () => {
    const frames = 10_000;
    const pixels = Buffer.alloc(4 * 4 * 3 * frames);
    for (let i = 0; i < pixels.length; i++) pixels[i] = (Math.imul(i, 2_654_435_761) >>> 13) & 255;
    const sharp = await loadSharp();
    const raw = { width: 4, height: 4 * frames, channels: 3, pageHeight: 4 } as const;
    const gif = await sharp(pixels, { raw }).gif({ effort: 1 }).toBuffer();
    expect((await sharp(gif, { pages: -1 }).metadata()).pages).toBe(frames);
    expect(await decodeImage(gif, { maxPixels: 16 })).toMatchObject({ width: 4, height: 4 });
  });
});

describe("kinds of pixels", () => {
  test.each(["gif", "webp"] as const)("an animated %s gives its first frame", async (format) => {
    const frames = [plainPicture(5, 5, [250, 0, 0]), plainPicture(5, 5, [0, 0, 250])];
    const sharp = await loadSharp();
    const raw = { width: 5, height: 10, channels: 3, pageHeight: 5 } as const;
    const bytes = await sharp(Buffer.concat(frames.map(({ data }) => Buffer.from(data))), { raw })
      [format]()
      .toBuffer();
    const image = await decodeImage(bytes);
    expect([image.width, image.height]).toEqual([5, 5]);
    expect(pixel(image)[0]).toBeGreaterThan(230);
    expect(pixel(image)[2]).toBeLessThan(20);
  });

  test("CMYK and YCCK", async () => {
    const sharp = await loadSharp();
    const raw = { width: 16, height: 16, channels: 3 } as const;
    const cmyk = await sharp(plainPicture(16, 16, [220, 30, 40]).data, { raw })
      .toColourspace("cmyk")
      .jpeg({ quality: 100 })
      .toBuffer();
    const [red = 0, green = 0] = pixel(await decodeImage(cmyk));
    expect([red > 150, green < 90]).toEqual([true, true]);
    const ycck = asYcck(cmyk);
    expect((await sharp(ycck).metadata()).space).toBe("cmyk");
    const other = await decodeImage(ycck);
    expect([other.width, other.data.length]).toEqual([16, 16 * 16 * 3]);
    expect(pixel(other)).not.toEqual(pixel(await decodeImage(cmyk)));
  });

  test("one bit, a palette, 16 bits and alpha", async () => {
    expect(pixel(await decodeImage(rawPng(9, 9)), 8, 8)).toEqual([0, 0, 0]);
    const sharp = await loadSharp();
    const raw = { width: 8, height: 8, channels: 3 } as const;
    const red = sharp(plainPicture(8, 8, [200, 30, 30]).data, { raw });
    expect(pixel(await decodeImage(await red.clone().png({ palette: true }).toBuffer()))).toEqual([
      200, 30, 30,
    ]);
    const deep = await red.clone().toColourspace("rgb16").png().toBuffer();
    expect(pixel(await decodeImage(deep))).toEqual([200, 30, 30]);
    const clear = await red.clone().ensureAlpha(0.5).png().toBuffer();
    const [level = 0] = pixel(await decodeImage(clear));
    expect(Math.abs(level - (200 + 255) / 2)).toBeLessThanOrEqual(1);
  });

  test("EXIF turns the picture by 1 to 8, and by nothing else", async () => {
    const [red, blue] = [
      [255, 0, 0],
      [0, 0, 255],
    ];
    const data = Uint8Array.from({ length: 32 * 16 * 3 }, (_, i) => {
      const x = Math.floor(i / 3) % 32;
      return (x < 16 ? red : blue)?.[i % 3] ?? 0;
    });
    const jpeg = await encodePicture({ width: 32, height: 16, data }, "jpeg");
    // Where the red half lies afterwards.
    const expected = ["left", "right", "right", "left", "top", "top", "bottom", "bottom"];
    for (const [i, place] of expected.entries()) {
      const image = await decodeImage(withExif(jpeg, orientationExif(i + 1)));
      const [x, y] = { left: [2, 8], right: [29, 8], top: [8, 2], bottom: [8, 29] }[place] ?? [];
      expect([image.width, image.height], place).toEqual(i < 4 ? [32, 16] : [16, 32]);
      expect(pixel(image, x, y)[0], `orientation ${i + 1}`).toBeGreaterThan(200);
    }
    for (const exif of [orientationExif(0), orientationExif(9), orientationExif(65_535)]) {
      expect(await decodeImage(withExif(jpeg, exif))).toMatchObject({ width: 32, height: 16 });
    }
  });

  test.each<[string, Uint8Array]>([
    ["rubbish", Buffer.alloc(100, 0xfe)],
    ["a directory beyond its end", Buffer.from("49492a00ffffff7f", "hex")],
    ["a directory that leads to itself", Buffer.from("49492a00080000000000080000000800", "hex")],
    ["nothing", Buffer.alloc(0)],
  ])("EXIF with %s is passed over", async (_, exif) => {
    const jpeg = await encodePicture(plainPicture(20, 10, [9, 200, 9]), "jpeg");
    expect((await decodeImage(withExif(jpeg, exif))).data).toEqual((await decodeImage(jpeg)).data);
  });
});

describe("files that are none", () => {
  const folder = temporaryFolder();
  const make = (name: string) => join(folder, name);

  test("folders, pipes, devices and files of the system are refused, none is waited for", async () => {
    mkdirSync(make("folder.jpg"));
    execFileSync("mkfifo", [make("pipe.jpg")]);
    symlinkSync(make("pipe.jpg"), make("link-to-pipe.jpg"));
    for (const path of [
      make("folder.jpg"),
      make("pipe.jpg"),
      make("link-to-pipe.jpg"),
      "/dev/zero",
      "/dev/null",
    ]) {
      await expect(openMedia(path), path).rejects.toMatchObject({
        ...invalid("a folder or a device"),
        details: { uri: path },
      });
    }
    // A regular file by its kind, of no size and without an end: reading it waits for the kernel's next message.
    await expect(decodeImage("/proc/kmsg")).rejects.toMatchObject({ code: expect.stringMatching(/^MEDIA_/) });
  });

  test("links that lead to themselves, and nowhere", async () => {
    symlinkSync(make("loop.jpg"), make("loop.jpg"));
    symlinkSync(make("gone.jpg"), make("broken.jpg"));
    await expect(decodeImage(make("loop.jpg"))).rejects.toMatchObject(invalid("ELOOP"));
    await expect(decodeImage(make("broken.jpg"))).rejects.toMatchObject({ code: "MEDIA_NOT_FOUND" });
  });

  test("a file larger than allowed is refused unread", async () => {
    writeFileSync(make("large.jpg"), "");
    truncateSync(make("large.jpg"), 300 * 1024 * 1024);
    await expect(decodeImage(make("large.jpg"))).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  });

  test("names of every kind are found as they are", async () => {
    const bytes = await encodePicture(plainPicture(3, 2, [1, 2, 3]));
    const names = [
      "a\nb",
      "q'\"`",
      "%41%zz",
      "\u00fc",
      "u\u0308",
      "dot.",
      " lead",
      "#?&",
      "😀",
      "-rf",
      "$(id)",
      "a;b",
      "b\\s",
    ];
    for (const name of names) {
      writeFileSync(make(name), bytes);
      expect(await decodeImage(make(name)), name).toMatchObject({ width: 3, height: 2 });
    }
    await expect(decodeImage(make("A\u0308"))).rejects.toMatchObject({ code: "MEDIA_NOT_FOUND" });
  });

  test.each([
    ["longer than a name may be", make("x".repeat(300))],
    ["longer than a path may be", make("x/".repeat(5_000))],
    ["with U+0000", make("a\0b")],
    ["with U+0000 in a URL", `file://${folder}/a%00b`],
  ])("a path %s is MEDIA_INVALID in a short message", async (_, path) => {
    const error = await decodeImage(path).then(undefined, (reason: Error) => reason);
    expect(error).toMatchObject({ code: "MEDIA_INVALID" });
    expect(String(error).length).toBeLessThan(1_000);
  });
});
