/** What hands do on a map: mouse, fingers, wheel and keys, told as what they mean. */

import { rectangle } from "./shapes.js";
import type { Point } from "./view.js";

/** What a gesture means; places are CSS pixels of the element. */
export interface Actions {
  pan(by: Point): void;
  zoom(factor: number, at: Point): void;
  /** Shows everything. */
  whole(): void;
  /** The pointer rests over a place, or has left. */
  hover(at: Point | undefined): void;
  /** A click, or a tap with a finger, which hits less exactly. */
  tap(at: Point, isTouch: boolean): void;
  /** Two clicks at one place, after the `tap` of each. */
  twice(at: Point): void;
  /** A line that chooses, while it is drawn and when it is closed; `undefined` if it was given up. */
  line(line: readonly Point[] | undefined, isClosed: boolean): void;
  /** A key has moved the map, so that there may be something else in its middle. */
  keyed(): void;
  enter(): void;
  escape(): void;
  /** Whether a drag chooses even without Shift. */
  isChoosing(): boolean;
}

/** Pixels that a pointer may move within a click. */
const STILL = 5;
/** Pixels between two corners of a lasso. */
const CORNER = 4;
const KEY = { pan: 64, zoom: 1.5 };
/** How fast the wheel zooms, by pixel; a pinch on a trackpad comes as a wheel with Ctrl. */
const WHEEL = { usual: 0.0016, pinch: 0.012, line: 24 };

type Mode = "pan" | "lasso" | "rectangle" | "pinch";

/** Listens on an element; returns what ends that. */
export function listen(element: HTMLElement, actions: Actions): () => void {
  const ends = new AbortController();
  const hands = new Hands(element, actions);
  const on = <Name extends keyof HTMLElementEventMap>(
    name: Name,
    act: (event: HTMLElementEventMap[Name]) => void,
    passive = true,
  ) => element.addEventListener(name, act, { signal: ends.signal, passive });
  on("pointerdown", (event) => hands.down(event));
  on("pointermove", (event) => hands.move(event));
  on("pointerup", (event) => hands.up(event));
  on("pointercancel", (event) => hands.cancel(event));
  on("pointerleave", (event) => {
    // A finger that is lifted leaves, too; what it has tapped stays.
    if (event.pointerType !== "touch") actions.hover(undefined);
  });
  on("wheel", (event) => hands.wheel(event), false);
  on("dblclick", (event) => actions.twice(hands.at(event)));
  on("keydown", (event) => key(event, element, actions), false);
  return () => ends.abort();
}

class Hands {
  readonly #element: HTMLElement;
  readonly #actions: Actions;
  readonly #pointers = new Map<number, Point>();
  #mode: Mode = "pan";
  #line: Point[] = [];
  #hasMoved = false;

  constructor(element: HTMLElement, actions: Actions) {
    this.#element = element;
    this.#actions = actions;
  }

  at({ clientX, clientY }: MouseEvent): Point {
    const { left, top } = this.#element.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }

  down(event: PointerEvent): void {
    if (event.button !== 0 || isControl(event.target)) return;
    const at = this.at(event);
    this.#pointers.set(event.pointerId, at);
    this.#element.setPointerCapture(event.pointerId);
    if (event.pointerType !== "touch") this.#actions.hover(undefined);
    if (this.#pointers.size > 1) {
      if (this.#line.length > 0) this.#actions.line(undefined, false);
      this.#line = [];
      this.#mode = "pinch";
      this.#hasMoved = true;
      return;
    }
    const isChoosing = event.shiftKey || this.#actions.isChoosing();
    // A finger covers what it draws around: two corners are easier.
    this.#mode = !isChoosing ? "pan" : event.pointerType === "touch" ? "rectangle" : "lasso";
    this.#line = isChoosing ? [at] : [];
    this.#hasMoved = false;
  }

  move(event: PointerEvent): void {
    const at = this.at(event);
    const before = this.#pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch" && this.#pointers.size === 0)
        this.#actions.hover(isControl(event.target) ? undefined : at);
      return;
    }
    const by = { x: at.x - before.x, y: at.y - before.y };
    if (!this.#hasMoved && Math.hypot(by.x, by.y) < STILL) return;
    this.#hasMoved = true;
    this.#pointers.set(event.pointerId, at);
    if (this.#mode === "pinch") this.#pinch(event.pointerId, before, at);
    else if (this.#mode === "pan") this.#actions.pan(by);
    else this.#draw(at);
  }

  up(event: PointerEvent): void {
    if (!this.#pointers.delete(event.pointerId)) return;
    const at = this.at(event);
    if (this.#mode === "pinch") {
      // The finger that is left goes on to move the map.
      if (this.#pointers.size === 1) this.#mode = "pan";
      return;
    }
    const line = this.#shape(at);
    this.#line = [];
    if (!this.#hasMoved) {
      if (line) this.#actions.line(undefined, false);
      this.#actions.tap(at, event.pointerType === "touch");
    } else if (line) this.#actions.line(line, true);
  }

  cancel({ pointerId }: PointerEvent): void {
    this.#pointers.delete(pointerId);
    if (this.#line.length > 0) this.#actions.line(undefined, false);
    this.#line = [];
  }

  wheel(event: WheelEvent): void {
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * WHEEL.line;
    const speed = event.ctrlKey ? WHEEL.pinch : WHEEL.usual;
    this.#actions.zoom(Math.exp(-Math.max(-400, Math.min(400, pixels)) * speed), this.at(event));
  }

  #draw(at: Point): void {
    const last = this.#line.at(-1)!;
    if (this.#mode === "lasso" && Math.hypot(at.x - last.x, at.y - last.y) < CORNER) return;
    this.#line = this.#mode === "lasso" ? [...this.#line, at] : [this.#line[0]!, at];
    this.#actions.line(this.#shape(at)!, false);
  }

  #shape(at: Point): Point[] | undefined {
    const [first] = this.#line;
    if (!first) return undefined;
    return this.#mode === "rectangle" ? rectangle(first, at) : this.#line;
  }

  #pinch(moved: number, before: Point, at: Point): void {
    const other = [...this.#pointers].find(([id]) => id !== moved)?.[1];
    if (!other) return;
    const distance = (point: Point) => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
    this.#actions.pan({ x: (at.x - before.x) / 2, y: (at.y - before.y) / 2 });
    this.#actions.zoom(distance(at) / distance(before), { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 });
  }
}

/** Whether an event is for a button on the map. */
function isControl(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("button") !== null;
}

function key(event: KeyboardEvent, element: HTMLElement, actions: Actions): void {
  if (event.ctrlKey || event.metaKey || event.altKey || isControl(event.target)) return;
  const middle = { x: element.clientWidth / 2, y: element.clientHeight / 2 };
  const moves: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => actions.pan({ x: KEY.pan, y: 0 }),
    ArrowRight: () => actions.pan({ x: -KEY.pan, y: 0 }),
    ArrowUp: () => actions.pan({ x: 0, y: KEY.pan }),
    ArrowDown: () => actions.pan({ x: 0, y: -KEY.pan }),
    "+": () => actions.zoom(KEY.zoom, middle),
    "=": () => actions.zoom(KEY.zoom, middle),
    "-": () => actions.zoom(1 / KEY.zoom, middle),
    "0": () => actions.whole(),
  };
  const move = moves[event.key];
  if (move) {
    move();
    actions.keyed();
  } else if (event.key === "Enter") actions.enter();
  else if (event.key === "Escape") actions.escape();
  else return;
  event.preventDefault();
}
