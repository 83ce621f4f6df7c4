/** Finds room for a drawing in a scene. */
import type { SceneBackground } from "../../media/compose.ts";
import type { ArtSprite } from "./art.ts";
import type { Random } from "./random.ts";

/** Left, top, width, height; of what, and in what unit, its user says. */
export type Box = readonly [number, number, number, number];

/** A drawing's shape once sized, mirrored and turned. */
export interface Pose {
  /** Width and height before turning, pixels. */
  readonly size: readonly [number, number];
  readonly rotation: number;
  readonly flip: boolean;
}

const MARGIN = 5;
const TRIES = 60;
/** Share of the smaller box another may cover: keeps every object recognisable where IoU alone would not. */
const MAX_COVER = 0.12;

/** Bounds of the turned outline, relative to the drawing's centre, pixels. */
export function poseBounds({ rect, hull }: ArtSprite, { size, rotation, flip }: Pose): Box {
  const [, , width, height] = rect;
  const outline = hull ?? [0, 0, width, 0, width, height, 0, height];
  const angle = (rotation * Math.PI) / 180;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const xs: number[] = [];
  const ys: number[] = [];
  for (let index = 0; index < outline.length; index += 2) {
    const across = ((outline[index] ?? 0) / width - 0.5) * size[0] * (flip ? -1 : 1);
    const down = ((outline[index + 1] ?? 0) / height - 0.5) * size[1];
    xs.push(across * cosine - down * sine);
    ys.push(across * sine + down * cosine);
  }
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return [left, top, Math.max(...xs) - left, Math.max(...ys) - top];
}

/** Area that two boxes share. */
function shared(a: Box, b: Box): number {
  const across = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const down = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  return Math.max(across, 0) * Math.max(down, 0);
}

/** Intersection over union of two boxes, 0 to 1. */
export function intersectionOverUnion(a: Box, b: Box): number {
  const both = shared(a, b);
  return both / (a[2] * a[3] + b[2] * b[3] - both);
}

function overlaps(a: Box, b: Box): boolean {
  return shared(a, b) > MAX_COVER * Math.min(a[2] * a[3], b[2] * b[3]);
}

/** Highest and lowest top edge for a box of this height: on the ground or in the sky where there is a horizon. */
function verticalRange(
  background: SceneBackground,
  flies: boolean,
  height: number,
  sceneHeight: number,
): [number, number] {
  const lowest = sceneHeight - MARGIN - height;
  if (background.kind !== "landscape") return [MARGIN, lowest];
  const horizon = background.horizon * sceneHeight;
  if (flies) return [MARGIN, Math.max(MARGIN, Math.min(lowest, horizon - height * 0.7))];
  return [Math.min(lowest, Math.max(MARGIN, horizon + 14 - height)), lowest];
}

/** Where a drawing with these bounds (relative to its centre) fits among boxes already taken, or null. */
export function findPlace(
  random: Random,
  bounds: Box,
  taken: readonly Box[],
  scene: { width: number; height: number; background: SceneBackground; flies: boolean },
): { center: [number, number]; box: Box } | null {
  const [offsetX, offsetY, width, height] = bounds;
  const [highest, lowest] = verticalRange(scene.background, scene.flies, height, scene.height);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const centerX = random.between(
      Math.ceil(MARGIN - offsetX),
      Math.floor(scene.width - MARGIN - width - offsetX),
    );
    const centerY = random.between(Math.ceil(highest - offsetY), Math.floor(lowest - offsetY));
    const box: Box = [centerX + offsetX, centerY + offsetY, width, height];
    if (!taken.some((other) => overlaps(box, other))) return { center: [centerX, centerY], box };
  }
  return null;
}
