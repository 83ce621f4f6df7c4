/** From a relative box to the rectangle of pixels a patch is cut from, by FiftyOne's rules. */

import { NearsightError } from "../errors.ts";
import type { BoundingBox, CropOptions } from "./input-spec.ts";

/** Whole pixels: `x`, `y` of the top left corner, inclusive. */
export interface PixelRectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Span {
  readonly start: number;
  readonly stop: number;
}

/**
 * The pixels a box covers in a picture of `width` x `height` pixels.
 *
 * As FiftyOne does: `alpha` first, then corners rounded down, then the square. Boxes over the edge are cut off there.
 * Throws MEDIA_INVALID for boxes that cover no whole pixel, INVALID_ARGUMENT for numbers that are not finite.
 *
 * @example
 * cropBox([0.25, 0.25, 0.5, 0.5], 640, 480); // { x: 160, y: 120, width: 320, height: 240 }
 */
export function cropBox(
  box: BoundingBox,
  width: number,
  height: number,
  options: CropOptions = {},
): PixelRectangle {
  checkBox(box, options);
  const [left, top, right, bottom] = grow(box, options.alpha);
  let x = inside({ start: Math.trunc(width * left), stop: Math.trunc(width * right) }, width);
  let y = inside({ start: Math.trunc(height * top), stop: Math.trunc(height * bottom) }, height);
  if (options.forceSquare) [x, y] = makeSquare(x, y, width, height);
  const rectangle = { x: x.start, y: y.start, width: x.stop - x.start, height: y.stop - y.start };
  if (rectangle.width > 0 && rectangle.height > 0) return rectangle;
  throw new NearsightError({
    code: "MEDIA_INVALID",
    message: `Expected a box that covers pixels of a ${width} x ${height} picture but [${box.join(", ")}] covers none`,
    hint: "Boxes are [left, top, width, height], each from 0 to 1; remove empty ones",
    details: { box: [...box] },
  });
}

/** Corners after growing every side by `alpha`; only then they are clamped to the picture, as FiftyOne does. */
function grow(box: BoundingBox, alpha: number | undefined): [number, number, number, number] {
  const [left, top, width, height] = box;
  const right = left + width;
  const bottom = top + height;
  if (alpha === undefined) return [left, top, right, bottom];
  const padX = 0.5 * Math.max(alpha, -1) * (right - left);
  const padY = 0.5 * Math.max(alpha, -1) * (bottom - top);
  return [clamp(left - padX), clamp(top - padY), clamp(right + padX), clamp(bottom + padY)];
}

/** Lengthens the shorter side, moving it back inside; where the picture is too small, the longer side shrinks. */
function makeSquare(x: Span, y: Span, width: number, height: number): [Span, Span] {
  const across = x.stop - x.start;
  const missing = y.stop - y.start - across;
  if (missing < 0) {
    const [newY, newX] = makeSquare(y, x, height, width);
    return [newX, newY];
  }
  const tooMuch = Math.min(0, width - missing - across);
  return [widen(x, missing + tooMuch, width), widen(y, tooMuch, height)];
}

function widen(span: Span, by: number, limit: number): Span {
  const before = Math.trunc(0.5 * by);
  const after = by - before;
  const shift = Math.max(0, before - span.start) - Math.max(0, span.stop + after - limit);
  return { start: span.start - before + shift, stop: span.stop + after + shift };
}

function inside(span: Span, limit: number): Span {
  return { start: Math.max(0, Math.min(span.start, limit)), stop: Math.max(0, Math.min(span.stop, limit)) };
}

function clamp(value: number): number {
  return Math.max(0, Math.min(value, 1));
}

function checkBox(box: BoundingBox, options: CropOptions): void {
  const alpha = options.alpha ?? 0;
  if (box.length === 4 && box.every(Number.isFinite) && Number.isFinite(alpha)) return;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected a box of four numbers and a finite alpha but found [${box.join(", ")}] and ${alpha}`,
    hint: "Boxes are [left, top, width, height], each from 0 to 1",
  });
}
