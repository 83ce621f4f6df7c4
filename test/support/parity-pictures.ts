/** Pictures of every kind that vision data sets hold, drawn by formula and written by sharp. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sharp } from "sharp";
import type { RgbImage } from "../../core/media/image.ts";
import { loadSharp } from "../../core/media/sharp.ts";
import { seededRandom } from "../../core/random.ts";

/** Discs of all sizes over waves of colour: edges, flats and fine detail, and no symmetry. */
function drawnScene(width: number, height: number, seed: number): RgbImage {
  const random = seededRandom(seed);
  const discs = Array.from({ length: 12 }, () => ({
    x: random() * width,
    y: random() * height,
    radius: ((random() + 0.1) * Math.min(width, height)) / 4,
    colour: [random() * 255, random() * 255, random() * 255],
  }));
  const phase = [random() * 6, random() * 6, random() * 6];
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i += 3) {
    const x = (i / 3) % width;
    const y = Math.floor(i / 3 / width);
    const disc = discs.find((one) => Math.hypot(one.x - x, one.y - y) < one.radius);
    for (let c = 0; c < 3; c++) {
      const wave = Math.sin((x / width) * 9 + (phase[c] ?? 0)) * Math.cos((y / height) * 7 - c);
      data[i + c] = (disc?.colour[c] ?? 128 + 90 * wave) * 0.9 + random() * 20;
    }
  }
  return { width, height, data };
}

/** Writes one picture of each kind into a folder and gives their names, sorted. */
export async function writePictureKinds(folder: string): Promise<string[]> {
  const sharp = await loadSharp();
  const raw = ({ data, ...size }: RgbImage) => sharp(data, { raw: { ...size, channels: 3 } });
  const scene = (seed: number) => raw(drawnScene(400, 300, seed));
  const veil = Buffer.from(
    Array.from({ length: 400 * 300 }, (_, i) => (i % 400 < 200 ? 255 : (i * 7) % 256)),
  );
  const frames = Buffer.concat([1, 2, 3].map((seed) => Buffer.from(drawnScene(120, 90, seed).data)));
  const kinds: Record<string, Sharp> = {
    "jpeg-baseline.jpg": scene(1).jpeg({ quality: 90 }),
    "jpeg-progressive.jpg": scene(2).jpeg({ progressive: true }),
    "jpeg-full-chroma.jpg": scene(3).jpeg({ chromaSubsampling: "4:4:4" }),
    "jpeg-grey.jpg": scene(4).greyscale().jpeg(),
    "jpeg-cmyk.jpg": scene(5).toColourspace("cmyk").jpeg(),
    "png.png": scene(6).png(),
    "png-palette.png": scene(7).png({ palette: true, colours: 64 }),
    "png-grey-16.png": scene(8).greyscale().toColourspace("grey16").png(),
    "png-rgb-16.png": scene(9).toColourspace("rgb16").png(),
    "png-alpha.png": scene(10)
      .joinChannel(veil, { raw: { width: 400, height: 300, channels: 1 } })
      .png(),
    "webp.webp": scene(11).webp({ lossless: true }),
    "webp-lossy.webp": scene(12).webp({ quality: 80 }),
    "webp-alpha.webp": scene(13)
      .joinChannel(veil, { raw: { width: 400, height: 300, channels: 1 } })
      .webp({ lossless: true }),
    "gif-animated.gif": sharp(frames, {
      raw: { width: 120, height: 270, channels: 3, pageHeight: 90 },
    }).gif(),
    "tiny-1x1.png": raw(drawnScene(1, 1, 14)).png(),
    "tiny-3x200.png": raw(drawnScene(3, 200, 15)).png(),
    "tiny-200x3.jpg": raw(drawnScene(200, 3, 16)).jpeg(),
    "large.jpg": raw(drawnScene(3000, 2000, 17)).jpeg(),
    "tiff.tif": scene(18).tiff({ compression: "lzw" }),
  };
  for (let orientation = 1; orientation <= 8; orientation++) {
    kinds[`exif-${orientation}.jpg`] = scene(20).withMetadata({ orientation }).jpeg();
  }
  mkdirSync(folder, { recursive: true });
  for (const [name, picture] of Object.entries(kinds))
    writeFileSync(join(folder, name), await picture.toBuffer());
  return Object.keys(kinds).sort();
}
