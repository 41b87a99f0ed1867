/** The picture: points by WebGL, and over them the names of clusters, the query, the point under the pointer and the line that chooses. */

import type { Chart } from "./chart.js";
import { Detail, REST } from "./detail.js";
import { listen } from "./gestures.js";
import { type Label, placeLabels } from "./label-places.js";
import { LOOK, Renderer } from "./renderer.js";
import { boxAround } from "./shapes.js";
import { themeOf, watchTheme } from "./theme.js";
import {
  between,
  fitted,
  kept,
  panned,
  type Point,
  radiusOf,
  type Size,
  toPlane,
  toScreen,
  type View,
  WHOLE,
  zoomed,
} from "./view.js";

/** The elements of a picture. */
export interface Parts {
  /** Has the others in it, and the keyboard's focus. */
  readonly stage: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  /** Gets an element for each cluster's name. */
  readonly labels: HTMLElement;
  readonly query: HTMLElement;
  readonly ring: HTMLElement;
  readonly tip: HTMLElement;
  readonly line: SVGPolygonElement;
}

/** What the picture tells. */
export interface Events {
  /** The point that is pointed at, by mouse or keyboard. */
  pointed(index: number | undefined): void;
  opened(index: number): void;
  chosen(indexes: readonly number[]): void;
  /** Nothing is to be chosen any more. */
  given(): void;
  isChoosing(): boolean;
}

/** What stands out. */
export interface Marks {
  /** The points that are hits. */
  readonly hits: ReadonlySet<number>;
  /** Those that are chosen; the others are faint. */
  readonly chosen?: ReadonlySet<number> | undefined;
  /** The cluster whose name stands out. */
  readonly group?: number | undefined;
}

/** Pixels around a point that count as it: for a mouse, a finger, and what the keyboard has moved to the middle. */
const NEAR = { mouse: 5, finger: 16, keys: 48 };
/** Milliseconds of a flight to another view. */
const FLIGHT = 320;
/** How many words of a cluster its name on the picture has. */
const WORDS = 3;

/** A picture on the page. */
export class Scene {
  readonly #parts: Parts;
  readonly #events: Events;
  readonly #renderer: Renderer;
  readonly #ends: (() => void)[] = [];
  #chart: Chart | undefined;
  #marks: Marks = { hits: new Set() };
  #query: Point | undefined;
  #pointed: number | undefined;
  #line: readonly Point[] | undefined;
  #labels: { readonly element: HTMLElement; readonly size: Size; readonly group: number }[] = [];
  #view: View = { x: 0, y: 0, scale: 1 };
  #size: Size = { width: 1, height: 1 };
  /** Whether it shows the whole, also after the window's size has changed. */
  #isWhole = true;
  #frame = 0;
  readonly #detail = new Detail();
  #rest: ReturnType<typeof setTimeout> | undefined;
  #flight: { readonly from: View; readonly to: View; readonly begin: number } | undefined;

  private constructor(parts: Parts, events: Events, renderer: Renderer) {
    this.#parts = parts;
    this.#events = events;
    this.#renderer = renderer;
    this.#ends.push(
      this.#listen(),
      watchTheme(() => this.#themed()),
      this.#watchSize(),
      this.#watchContext(),
    );
    this.#themed();
  }

  /** Returns a picture, or nothing if the browser has no WebGL2. */
  static on(parts: Parts, events: Events): Scene | undefined {
    const renderer = Renderer.on(parts.canvas);
    return renderer && new Scene(parts, events, renderer);
  }

  /** Shows a map; what is shown of it stays, unless there was none. */
  show(chart: Chart): void {
    const isFirst = this.#chart === undefined;
    this.#chart = chart;
    this.#pointed = undefined;
    const colour = chart.cluster.map((own) => chart.groups[own]?.colour ?? 0);
    this.#renderer.setPoints({ x: chart.x, y: chart.y, colour });
    this.#name(chart);
    this.mark(this.#marks);
    if (isFirst) this.#isWhole = true;
    if (this.#isWhole) this.#view = this.#wholeView();
    this.redraw();
  }

  /** Says what stands out. */
  mark(marks: Marks): void {
    this.#marks = marks;
    const { hits, chosen, group } = marks;
    const looks = new Uint8Array(this.#chart?.ids.length ?? 0);
    if (chosen) looks.fill(LOOK.faint);
    for (const at of chosen ?? []) looks[at] = LOOK.usual;
    for (const at of hits) if (!chosen || chosen.has(at)) looks[at] = LOOK.hit;
    this.#renderer.setLooks(looks);
    for (const label of this.#labels) label.element.classList.toggle("chosen", label.group === group);
    this.redraw();
  }

  /** Shows where a query is. */
  ask(place: Point | undefined): void {
    this.#query = place;
    this.redraw();
  }

  zoom(factor: number): void {
    const { width, height } = this.#size;
    this.#fly(zoomed(this.#flight?.to ?? this.#view, this.#size, factor, { x: width / 2, y: height / 2 }));
    this.#isWhole = false;
  }

  whole(): void {
    this.#fly(this.#wholeView());
    this.#isWhole = true;
  }

  /** Draws in the next frame. */
  redraw(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame((now) => this.#draw(now));
  }

  end(): void {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#rest);
    this.#frame = -1;
    for (const end of this.#ends) end();
    this.#renderer.end();
  }

  #draw(now: number): void {
    this.#frame = 0;
    if (this.#flight) {
      const { from, to, begin } = this.#flight;
      const share = Math.min(1, Math.max(0, (now - begin) / FLIGHT));
      this.#view = between(from, to, 1 - (1 - share) ** 3);
      if (share === 1) this.#flight = undefined;
      else this.redraw();
      this.#moved();
    }
    this.#renderer.draw(this.#view, this.#size, devicePixelRatio, this.#radius, this.#detail.share(performance.now()));
    this.#drawOver();
  }

  /** The map moves; when it rests, everything is drawn. */
  #moved(): void {
    this.#detail.moved(performance.now());
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => this.redraw(), REST + 20);
  }

  #drawOver(): void {
    const { query, ring, tip, line } = this.#parts;
    const chart = this.#chart;
    const order = this.#labels.toSorted((a, b) => Number(b.group === this.#marks.group) - Number(a.group === this.#marks.group));
    const wanted = order.map(({ group, size }): Label => {
      return { at: toScreen(this.#view, this.#size, chart!.groups[group]!.middle), size };
    });
    const places = placeLabels(wanted, this.#size);
    for (const [at, { element, size }] of order.entries()) {
      const place = places[at];
      element.style.visibility = place ? "visible" : "hidden";
      if (place) moveTo(element, { x: place.x - size.width / 2, y: place.y - size.height / 2 });
    }
    query.hidden = this.#query === undefined;
    if (this.#query) moveTo(query, toScreen(this.#view, this.#size, this.#query));
    const pointed = this.#pointed === undefined ? undefined : this.#screen(this.#pointed);
    ring.hidden = pointed === undefined;
    tip.classList.toggle("shown", pointed !== undefined);
    if (pointed) {
      const radius = Math.max(this.#radius, 4) + 3;
      ring.style.width = ring.style.height = `${2 * radius}px`;
      moveTo(ring, pointed);
      this.#placeTip(pointed, radius);
    }
    line.setAttribute("points", (this.#line ?? []).map(({ x, y }) => `${x},${y}`).join(" "));
  }

  /** Where a point is on the screen. */
  #screen(index: number): Point | undefined {
    const chart = this.#chart;
    return chart && toScreen(this.#view, this.#size, { x: chart.x[index]!, y: chart.y[index]! });
  }

  /** Puts the tip beside a point, within the edges. */
  #placeTip({ x, y }: Point, radius: number): void {
    const { tip } = this.#parts;
    const { width, height } = this.#size;
    const [wide, high] = [tip.offsetWidth, tip.offsetHeight];
    const left = Math.max(8, Math.min(width - wide - 8, x - wide / 2));
    const below = y + radius + 8;
    moveTo(tip, { x: left, y: below + high > height ? Math.max(8, y - radius - 8 - high) : below });
  }

  get #radius(): number {
    return radiusOf(this.#view, this.#size, this.#chart?.ids.length ?? 0);
  }

  /** All points, or all of the plane where there are none. */
  #wholeView(): View {
    const chart = this.#chart;
    const box =
      chart &&
      boxAround(
        (function* () {
          for (let i = 0; i < chart.ids.length; i += 1) yield { x: chart.x[i]!, y: chart.y[i]! };
        })(),
      );
    return kept(fitted(box ?? WHOLE, this.#size), this.#size);
  }

  #fly(to: View): void {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.#view = to;
    else this.#flight = { from: this.#view, to, begin: performance.now() };
    this.redraw();
  }

  #name(chart: Chart): void {
    const elements = chart.groups.map(({ words, colour }) => {
      const element = document.createElement("span");
      element.className = `map-label colour-${colour + 1}`;
      element.textContent = words.slice(0, WORDS).join(", ");
      return element;
    });
    this.#parts.labels.replaceChildren(...elements);
    const named = elements.map((element, group) => ({ element, group })).filter(({ element }) => element.textContent !== "");
    // Their sizes are asked for once.
    this.#labels = named.map(({ element, group }) => ({
      element,
      group,
      size: { width: element.offsetWidth, height: element.offsetHeight },
    }));
  }

  #themed(): void {
    this.#renderer.setTheme(themeOf(this.#parts.stage));
    this.redraw();
  }

  #watchSize(): () => void {
    const observer = new ResizeObserver(() => {
      const { clientWidth, clientHeight } = this.#parts.stage;
      this.#size = { width: Math.max(1, clientWidth), height: Math.max(1, clientHeight) };
      this.#view = this.#isWhole ? this.#wholeView() : kept(this.#view, this.#size);
      this.#flight = undefined;
      this.redraw();
    });
    observer.observe(this.#parts.stage);
    return () => observer.disconnect();
  }

  #watchContext(): () => void {
    const { canvas } = this.#parts;
    const ends = new AbortController();
    // Without this the browser gives no context back.
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault(), { signal: ends.signal });
    const restored = () => {
      this.#renderer.restore();
      this.redraw();
    };
    canvas.addEventListener("webglcontextrestored", restored, { signal: ends.signal });
    return () => ends.abort();
  }

  #listen(): () => void {
    const move = (view: View) => {
      this.#view = view;
      this.#flight = undefined;
      this.#isWhole = false;
      this.#moved();
      this.redraw();
    };
    return listen(this.#parts.stage, {
      pan: (by) => move(panned(this.#view, this.#size, by)),
      zoom: (factor, at) => move(zoomed(this.#view, this.#size, factor, at)),
      whole: () => this.whole(),
      hover: (at) => this.#point(at && this.#at(at, NEAR.mouse)),
      tap: (at, isTouch) => {
        const found = this.#at(at, isTouch ? NEAR.finger : NEAR.mouse);
        // A finger has no hover: the first tap shows what there is, the second opens it.
        if (found !== undefined && (!isTouch || found === this.#pointed)) this.#events.opened(found);
        else this.#point(found);
      },
      twice: (at) => {
        // Where there is a point, the taps were for it.
        if (this.#at(at, NEAR.finger) === undefined) move(zoomed(this.#view, this.#size, 2, at));
      },
      line: (line, isClosed) => this.#choose(line, isClosed),
      // After a flight there is something else in the middle.
      keyed: () => this.#point(this.#at({ x: this.#size.width / 2, y: this.#size.height / 2 }, NEAR.keys, this.#flight?.to)),
      enter: () => {
        if (this.#pointed !== undefined) this.#events.opened(this.#pointed);
      },
      escape: () => {
        this.#point(undefined);
        this.#events.given();
      },
      isChoosing: () => this.#events.isChoosing(),
    });
  }

  #choose(line: readonly Point[] | undefined, isClosed: boolean): void {
    this.#line = isClosed ? undefined : line;
    if (isClosed && line && this.#chart) {
      const found = this.#chart.grid.within(line.map((point) => toPlane(this.#view, this.#size, point)));
      if (found.length > 0) this.#events.chosen(found);
      else this.#events.given();
    }
    this.redraw();
  }

  #at(place: Point, near: number, view = this.#view): number | undefined {
    const distance = (radiusOf(view, this.#size, this.#chart?.ids.length ?? 0) + near) / view.scale;
    return this.#chart?.grid.nearest(toPlane(view, this.#size, place), distance);
  }

  #point(index: number | undefined): void {
    if (index === this.#pointed) return;
    this.#pointed = index;
    this.#parts.stage.classList.toggle("pointing", index !== undefined);
    this.#events.pointed(index);
    this.redraw();
  }
}

function moveTo(element: HTMLElement, { x, y }: Point): void {
  element.style.transform = `translate(${x}px, ${y}px)`;
}
