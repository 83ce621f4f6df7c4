/** Which files are taken for pictures: by their names alone. */

import { extname } from "node:path";

/** File name endings taken for pictures. */
export const IMAGE_ENDINGS: readonly string[] = [
  ...[".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".avif"],
];

/** True for names with an ending of pictures. */
export function isImageName(name: string): boolean {
  return IMAGE_ENDINGS.includes(extname(name).toLowerCase());
}

/** True for a picture that neither itself nor any folder above it is hidden, as `.nearsight/` is. */
export function isShownImage(path: string): boolean {
  return isImageName(path) && !path.split(/[\\/]/).some((part) => part.startsWith("."));
}
