/** Reading pictures: limits before decoding, refusals with reasons, transparency, crops, thumbnails. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { decodeImage } from "../../../core/media/image.ts";
import type { ImageInputSpec } from "../../../core/media/input-spec.ts";
import { imageTensor, stackTensors } from "../../../core/media/resize.ts";
import { loadSharp } from "../../../core/media/sharp.ts";
import { thumbnail } from "../../../core/media/thumbnail.ts";
import { encodePicture, noisePicture, plainPicture } from "../../support/pictures.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const root = temporaryFolder();

const SPEC: ImageInputSpec = {
  kind: "image",
  width: 4,
  height: 4,
  resize: null,
  resample: "bicubic",
  centerCrop: { width: 4, height: 4 },
  rescale: null,
  mean: [0, 0, 0],
  std: [1, 1, 1],
};

describe("decodeImage", () => {
  test("reads a path and a file: URL as it reads bytes", async () => {
    const bytes = await encodePicture(noisePicture(9, 7, 1));
    const path = join(root, "picture.png");
    writeFileSync(path, bytes);
    const expected = noisePicture(9, 7, 1);
    expect(await decodeImage(path)).toEqual(await decodeImage(bytes));
    expect(
      Buffer.from((await decodeImage(new URL(`file://${path}`))).data).equals(Buffer.from(expected.data)),
    ).toBe(true);
  });

  test("transparent pixels lie over white", async () => {
    const sharp = await loadSharp();
    const half = Uint8Array.from([0, 0, 0, 0, 255, 0, 0, 255, 0, 0, 0, 128]);
    const png = await sharp(half, { raw: { width: 3, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    const { data } = await decodeImage(png);
    expect([...data.subarray(0, 6)]).toEqual([255, 255, 255, 255, 0, 0]);
    expect(Math.abs((data[6] as number) - 127)).toBeLessThanOrEqual(1);
  });

  test("CMYK, grey with alpha and 16-bit colour become 8-bit RGB", async () => {
    const sharp = await loadSharp();
    const picture = sharp(plainPicture(8, 8, [200, 30, 30]).data, {
      raw: { width: 8, height: 8, channels: 3 },
    });
    const cmyk = await decodeImage(await picture.clone().toColourspace("cmyk").jpeg().toBuffer());
    expect(cmyk.data.length).toBe(8 * 8 * 3);
    expect(cmyk.data[0]).toBeGreaterThan(150);
    expect(cmyk.data[1]).toBeLessThan(90);
    const grey = await picture.clone().greyscale().ensureAlpha(0).png().toBuffer();
    expect([...(await decodeImage(grey)).data.subarray(0, 3)]).toEqual([255, 255, 255]);
    const deep = await picture.clone().toColourspace("rgb16").png().toBuffer();
    expect([...(await decodeImage(deep)).data.subarray(0, 3)]).toEqual([200, 30, 30]);
  });

  test("of an animation the first page counts", async () => {
    const sharp = await loadSharp();
    const pages = [plainPicture(5, 5, [255, 0, 0]), plainPicture(5, 5, [0, 0, 255])].map(({ data }) =>
      Buffer.from(data),
    );
    const raw = { width: 5, height: 10, channels: 3, pageHeight: 5 } as const;
    const gif = await sharp(Buffer.concat(pages), { raw }).gif().toBuffer();
    const image = await decodeImage(gif);
    expect([image.width, image.height, ...image.data.subarray(0, 3)]).toEqual([5, 5, 255, 0, 0]);
  });

  test("more pixels than allowed are LIMIT_EXCEEDED from the header", async () => {
    const bytes = await encodePicture(plainPicture(100, 50, [1, 2, 3]));
    await expect(decodeImage(bytes, { maxPixels: 4999 })).rejects.toMatchObject({
      code: "LIMIT_EXCEEDED",
      details: { limit: 4999, found: 5000 },
    });
    await expect(decodeImage(bytes, { maxPixels: 5000 })).resolves.toMatchObject({ width: 100 });
  });

  test("a header that lies about millions of pixels is refused before decoding", async () => {
    const bytes = Buffer.from(await encodePicture(plainPicture(1, 1, [0, 0, 0])));
    // The width and height of a PNG are the two numbers after its IHDR; the checksum behind them no longer fits.
    bytes.writeUInt32BE(60_000, 16);
    bytes.writeUInt32BE(60_000, 20);
    await expect(decodeImage(bytes)).rejects.toMatchObject({
      code: expect.stringMatching(/LIMIT_EXCEEDED|MEDIA_INVALID/),
    });
  });

  test.each([
    ["nothing", Buffer.alloc(0), "empty"],
    ["text", Buffer.from("hello, this is no picture at all"), "format"],
    [
      "SVG",
      Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
      "SVG",
    ],
    ["HTML", Buffer.from("\n <!doctype html><p>not found"), "SVG or HTML"],
  ])("%s is MEDIA_INVALID saying why", async (_, bytes, words) => {
    await expect(decodeImage(bytes)).rejects.toMatchObject({
      code: "MEDIA_INVALID",
      message: expect.stringContaining(words),
      hint: expect.any(String),
    });
  });

  test.each(["png", "jpeg", "webp", "gif"] as const)("a %s cut in half is MEDIA_INVALID", async (format) => {
    const bytes = await encodePicture(noisePicture(120, 90, 2), format);
    await expect(decodeImage(bytes.subarray(0, bytes.length / 2))).rejects.toMatchObject({
      code: "MEDIA_INVALID",
    });
  });
});

describe("imageTensor", () => {
  test("crops from the middle, channels first", () => {
    const image = noisePicture(8, 6, 5);
    const tensor = imageTensor(image, SPEC);
    expect(tensor.length).toBe(48);
    expect(tensor[0]).toBe(image.data[(1 * 8 + 2) * 3]);
    expect(tensor[16]).toBe(image.data[(1 * 8 + 2) * 3 + 1]);
  });

  test("pads with black where the picture is smaller", () => {
    const tensor = imageTensor(plainPicture(3, 1, [9, 9, 9]), SPEC);
    expect([...tensor.subarray(0, 16)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 0, 0, 0, 0]);
  });

  test("cuts an object out first", () => {
    const image = noisePicture(40, 40, 6);
    const whole = imageTensor(image, {
      ...SPEC,
      resize: { mode: "exact", width: 4, height: 4 },
      centerCrop: null,
    });
    const box = [0.5, 0.5, 0.1, 0.1] as const;
    const patch = imageTensor(image, { ...SPEC, centerCrop: null, resize: null }, { box });
    expect(patch[0]).toBe(image.data[(20 * 40 + 20) * 3]);
    expect(patch).not.toEqual(whole);
  });

  test("a resize that does not end at the tensor's size is DIMENSION_MISMATCH", () => {
    const spec = { ...SPEC, centerCrop: null, resize: { mode: "shortestEdge", size: 4 } } as const;
    expect(() => imageTensor(noisePicture(9, 5, 1), spec)).toThrowError(
      expect.objectContaining({ code: "DIMENSION_MISMATCH" }),
    );
  });

  test("stackTensors joins, and refuses other lengths", () => {
    const stacked = stackTensors([new Float32Array(48).fill(1), new Float32Array(48)], [3, 4, 4]);
    expect([stacked.shape, stacked.data[47], stacked.data[48]]).toEqual([[2, 3, 4, 4], 1, 0]);
    expect(() => stackTensors([new Float32Array(47)], [3, 4, 4])).toThrowError(
      expect.objectContaining({ code: "DIMENSION_MISMATCH" }),
    );
  });
});

describe("thumbnail", () => {
  test("is a small WebP with a data URL", async () => {
    const { bytes, width, height, dataUrl } = await thumbnail(
      await encodePicture(noisePicture(400, 200, 1)),
      { size: 64 },
    );
    expect([width, height]).toEqual([64, 32]);
    expect(await decodeImage(dataUrl)).toMatchObject({ width: 64, height: 32 });
    expect(Buffer.from(bytes).subarray(8, 12).toString()).toBe("WEBP");
  });

  test("of an object shows only that", async () => {
    const left = plainPicture(20, 20, [255, 0, 0]);
    const data = left.data.map((value, i) => (Math.floor(i / 3) % 20 < 10 ? value : 255 - value));
    const png = await encodePicture({ ...left, data });
    const { dataUrl, width } = await thumbnail(png, { box: [0.5, 0, 0.5, 1], quality: 100 });
    const { data: shown } = await decodeImage(dataUrl);
    expect(width).toBe(10);
    expect([shown[0] as number, shown[1] as number, shown[2] as number].map((value) => value > 128)).toEqual([
      false,
      true,
      true,
    ]);
  });

  test("keeps small pictures small and refuses what is none", async () => {
    expect(await thumbnail(await encodePicture(noisePicture(10, 8, 1)))).toMatchObject({
      width: 10,
      height: 8,
    });
    await expect(thumbnail(Buffer.from("nothing"))).rejects.toMatchObject({ code: "MEDIA_INVALID" });
  });
});
