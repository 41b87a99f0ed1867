/** What of the plane is on the screen. Places on the plane go from -1 to 1, y upwards; places on the screen are CSS pixels, y downwards. */

/** A place, on the plane or on the screen. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The size of what is drawn on, in CSS pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A rectangle, on the plane or on the screen. */
export interface Box {
  readonly left: number;
  readonly right: number;
  /** The lower values of y. */
  readonly low: number;
  readonly high: number;
}

/** The place on the plane that is in the middle, and the pixels of one unit. */
export interface View extends Point {
  readonly scale: number;
}

/** Pixels around what is fitted. */
const MARGIN = 36;
/** What a view shows of a single place, in units. */
const LEAST_EXTENT = 0.04;
/** How far the middle may be from the plane's middle, and how far zooming goes, from the view of the whole. */
const FURTHEST = 1.15;
const ZOOM = { least: 0.6, most: 300 };

/** Returns where a place on the plane is on the screen. */
export function toScreen(view: View, { width, height }: Size, { x, y }: Point): Point {
  return { x: width / 2 + (x - view.x) * view.scale, y: height / 2 - (y - view.y) * view.scale };
}

/** Returns the place on the plane that is at a place on the screen. */
export function toPlane(view: View, { width, height }: Size, { x, y }: Point): Point {
  return { x: view.x + (x - width / 2) / view.scale, y: view.y - (y - height / 2) / view.scale };
}

/** Returns the view that shows all of a box. */
export function fitted({ left, right, low, high }: Box, { width, height }: Size): View {
  const room = { width: Math.max(1, width - 2 * MARGIN), height: Math.max(1, height - 2 * MARGIN) };
  const extent = { x: Math.max(right - left, LEAST_EXTENT), y: Math.max(high - low, LEAST_EXTENT) };
  return { x: (left + right) / 2, y: (low + high) / 2, scale: Math.min(room.width / extent.x, room.height / extent.y) };
}

/** The box of the whole plane. */
export const WHOLE: Box = { left: -1, right: 1, low: -1, high: 1 };

/** Keeps a view where there is something to see. */
export function kept({ x, y, scale }: View, size: Size): View {
  const whole = fitted(WHOLE, size).scale;
  const inside = (value: number) => Math.max(-FURTHEST, Math.min(FURTHEST, value));
  return { x: inside(x), y: inside(y), scale: Math.max(whole * ZOOM.least, Math.min(whole * ZOOM.most, scale)) };
}

/** Returns the view after the plane has been moved by pixels. */
export function panned(view: View, size: Size, by: Point): View {
  return kept({ ...view, x: view.x - by.x / view.scale, y: view.y + by.y / view.scale }, size);
}

/** Returns the view `factor` times as large; what is at a place of the screen stays there. */
export function zoomed(view: View, size: Size, factor: number, at: Point): View {
  const fixed = toPlane(view, size, at);
  const { scale } = kept({ ...view, scale: view.scale * factor }, size);
  const shown = toPlane({ ...view, scale }, size, at);
  return kept({ x: view.x + fixed.x - shown.x, y: view.y + fixed.y - shown.y, scale }, size);
}

/** Returns the view between two others, from 0 to 1: the scale grows evenly to the eye. */
export function between(from: View, to: View, share: number): View {
  const mix = (a: number, b: number) => a + (b - a) * share;
  return { x: mix(from.x, to.x), y: mix(from.y, to.y), scale: from.scale * (to.scale / from.scale) ** share };
}

/** The radius of a point in CSS pixels: it grows with the zoom, and many points are small. */
export function radiusOf(view: View, size: Size, count: number): number {
  const zoom = view.scale / fitted(WHOLE, size).scale;
  const usual = Math.max(1.1, Math.min(5, 90 / Math.sqrt(Math.max(count, 1))));
  return Math.min(9, usual * Math.max(zoom, 0.6) ** 0.4);
}
