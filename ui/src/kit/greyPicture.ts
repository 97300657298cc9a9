/**
 * A picture of a person's choice as grey pixels, for the program to look for
 * a code in. Pictures come from anywhere: the kind, the size of the file and
 * the number of pixels are limited before anything is decoded.
 */
export type GreyPicture = {
  width: number;
  height: number;
  /** One byte for each pixel, row by row, in base64. */
  luma: string;
};

const KINDS = /^image\/(png|jpeg|webp|gif|bmp)$/;
export const PICTURE_KINDS = "image/png,image/jpeg,image/webp,image/gif,image/bmp";
const BYTES_MAX = 32 * 1024 * 1024;
const PIXELS_MAX = 100_000_000;
/** A longer side is scaled down to this. */
const SIDE_MAX = 2000;
/** Arguments that every engine takes in one call. */
const CHUNK = 0x8000;

/** The first picture among files that were dropped or pasted. */
export function firstPicture(files: Iterable<File>): File | null {
  for (const file of files) if (KINDS.test(file.type)) return file;
  return null;
}

/** Null when it is not a picture that can be opened. */
export async function greyPicture(file: Blob): Promise<GreyPicture | null> {
  if (!KINDS.test(file.type) || file.size > BYTES_MAX) return null;
  const address = URL.createObjectURL(file);
  try {
    const image = await loaded(address);
    const { naturalWidth, naturalHeight } = image;
    if (naturalWidth * naturalHeight === 0 || naturalWidth * naturalHeight > PIXELS_MAX) return null;
    const scale = Math.min(1, SIDE_MAX / Math.max(naturalWidth, naturalHeight));
    const width = Math.max(1, Math.round(naturalWidth * scale));
    const height = Math.max(1, Math.round(naturalHeight * scale));
    const pixels = drawn(image, width, height);
    return pixels && { width, height, luma: base64(greyOf(pixels)) };
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(address);
  }
}

function loaded(address: string): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error("not a picture"));
    image.src = address;
  });
}

function drawn(image: HTMLImageElement, width: number, height: number): Uint8ClampedArray | null {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) return null;
  // What is transparent is paper.
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

/** Luminance of red, green, blue and opacity (ITU-R BT.601). */
export function greyOf(pixels: Uint8ClampedArray): Uint8Array {
  const grey = new Uint8Array(pixels.length / 4);
  for (let at = 0; at < grey.length; at += 1) {
    const [red, green, blue] = [pixels[at * 4] ?? 0, pixels[at * 4 + 1] ?? 0, pixels[at * 4 + 2] ?? 0];
    grey[at] = (red * 299 + green * 587 + blue * 114) / 1000;
  }
  return grey;
}

export function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  }
  return btoa(text);
}
