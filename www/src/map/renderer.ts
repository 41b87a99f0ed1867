/** Draws the points of a map with WebGL2: one call for all of them, one for those that stand out. */

import type { Size, View } from "./view.js";

/** How a point looks: in its colour, faint because others are chosen, or as a hit. */
export const LOOK = { usual: 0, faint: 1, hit: 2 } as const;

/** A colour, its parts from 0 to 1. */
export type Colour = readonly [red: number, green: number, blue: number];

/** The most colours of clusters. */
export const MOST_COLOURS = 16;

/** What is drawn besides the points. */
export interface Theme {
  /** Of clusters, at most {@link MOST_COLOURS}. */
  readonly colours: readonly Colour[];
  /** Around hits. */
  readonly hit: Colour;
  /** Behind everything: rims of points that stand out. */
  readonly ground: Colour;
}

/** The points, in one order. */
export interface PointsToDraw {
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** The colour of each. */
  readonly colour: Uint8Array;
}

const VERTEX = `#version 300 es
layout(location = 0) in vec2 place;
layout(location = 1) in float colour;
layout(location = 2) in float look;
uniform vec2 middle;
uniform vec2 scale;
uniform float radius;
uniform float density;
uniform bool hitsOnly;
uniform vec3 colours[${MOST_COLOURS}];
uniform vec3 hit;
out vec3 fill;
out float strength;
out float extent;
out float rim;
void main() {
  bool isHit = look == ${LOOK.hit}.0;
  // A point that is not drawn in this pass lies outside of everything.
  gl_Position = isHit == hitsOnly ? vec4((place - middle) * scale, 0.0, 1.0) : vec4(2.0, 2.0, 0.0, 1.0);
  extent = (isHit ? max(radius * 1.6, 4.5) + 2.0 : radius) * density + 1.0;
  gl_PointSize = 2.0 * extent;
  rim = isHit ? 2.0 * density : 0.0;
  fill = isHit ? hit : colours[int(colour)];
  strength = isHit ? 1.0 : look == ${LOOK.faint}.0 ? 0.13 : 0.8;
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
in vec3 fill;
in float strength;
in float extent;
in float rim;
uniform vec3 ground;
out vec4 painted;
void main() {
  float away = length(gl_PointCoord * 2.0 - 1.0) * extent;
  float cover = clamp(extent - away, 0.0, 1.0);
  if (cover == 0.0) discard;
  float inner = clamp(extent - rim - away, 0.0, 1.0);
  vec3 shade = rim > 0.0 ? mix(ground, fill, inner) : fill;
  float alpha = cover * strength;
  painted = vec4(shade * alpha, alpha);
}`;

const UNIFORMS = ["middle", "scale", "radius", "density", "hitsOnly", "colours", "hit", "ground"] as const;

/** What belongs to one context, and is gone with it. */
interface Resources {
  readonly places: WebGLBuffer;
  readonly colours: WebGLBuffer;
  readonly looks: WebGLBuffer;
  readonly uniforms: Readonly<Record<(typeof UNIFORMS)[number], WebGLUniformLocation | null>>;
}

/** The points of one canvas. It draws when it is told to, and remembers everything, so that a context that was lost can be filled anew. */
export class Renderer {
  readonly #canvas: HTMLCanvasElement;
  readonly #gl: WebGL2RenderingContext;
  #resources: Resources | undefined;
  #points: PointsToDraw = { x: new Float32Array(), y: new Float32Array(), colour: new Uint8Array() };
  #looks: Uint8Array = new Uint8Array();
  /** The order in which points are drawn, by chance: so the first of them are a fair sample of all. */
  #order: Uint32Array = new Uint32Array();
  /** Where in that order the hits are. */
  #hits: Uint32Array = new Uint32Array();
  #theme: Theme | undefined;

  private constructor(canvas: HTMLCanvasElement, gl: WebGL2RenderingContext) {
    this.#canvas = canvas;
    this.#gl = gl;
    this.#resources = build(gl);
  }

  /** Returns a renderer, or nothing if the browser has no WebGL2. */
  static on(canvas: HTMLCanvasElement): Renderer | undefined {
    const gl = canvas.getContext("webgl2", { antialias: false, depth: false, alpha: true, powerPreference: "low-power" });
    return gl ? new Renderer(canvas, gl) : undefined;
  }

  /** Builds everything again, after the context has been restored. */
  restore(): void {
    this.#resources = build(this.#gl);
    this.#fill();
    this.#fillLooks();
  }

  /** Takes in points, which all look as usual. */
  setPoints(points: PointsToDraw): void {
    this.#points = points;
    this.#order = shuffled(points.x.length);
    this.#looks = new Uint8Array(points.x.length);
    this.#hits = new Uint32Array();
    this.#fill();
    this.#fillLooks();
  }

  /** Says how each point looks, see {@link LOOK}. */
  setLooks(looks: Uint8Array): void {
    this.#looks = looks;
    this.#hits = Uint32Array.from([...this.#order.keys()].filter((at) => looks[this.#order[at]!] === LOOK.hit));
    this.#fillLooks();
  }

  setTheme(theme: Theme): void {
    this.#theme = theme;
  }

  /** Draws a view: of the points that are no hits only a `share`; `radius` is that of a point in CSS pixels. */
  draw(view: View, size: Size, density: number, radius: number, share = 1): void {
    const gl = this.#gl;
    const [width, height] = [Math.max(1, Math.round(size.width * density)), Math.max(1, Math.round(size.height * density))];
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const count = this.#points.x.length;
    if (!this.#resources || !this.#theme || count === 0) return;
    const { uniforms } = this.#resources;
    gl.uniform2f(uniforms.middle, view.x, view.y);
    gl.uniform2f(uniforms.scale, (2 * view.scale) / size.width, (2 * view.scale) / size.height);
    gl.uniform1f(uniforms.radius, radius);
    gl.uniform1f(uniforms.density, density);
    gl.uniform3fv(uniforms.colours, this.#theme.colours.slice(0, MOST_COLOURS).flat());
    gl.uniform3fv(uniforms.hit, this.#theme.hit);
    gl.uniform3fv(uniforms.ground, this.#theme.ground);
    gl.uniform1i(uniforms.hitsOnly, 0);
    gl.drawArrays(gl.POINTS, 0, Math.ceil(count * share));
    if (this.#hits.length === 0) return;
    gl.uniform1i(uniforms.hitsOnly, 1);
    gl.drawElements(gl.POINTS, this.#hits.length, gl.UNSIGNED_INT, 0);
  }

  /** Frees what the browser holds for it. */
  end(): void {
    this.#gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  #fill(): void {
    const { x, y, colour } = this.#points;
    const places = new Float32Array(2 * x.length);
    for (const [at, i] of this.#order.entries()) {
      places[2 * at] = x[i]!;
      places[2 * at + 1] = y[i]!;
    }
    this.#put(this.#resources?.places, places);
    this.#put(this.#resources?.colours, this.#ordered(colour));
  }

  #fillLooks(): void {
    this.#put(this.#resources?.looks, this.#ordered(this.#looks));
    if (!this.#resources) return;
    this.#gl.bufferData(this.#gl.ELEMENT_ARRAY_BUFFER, this.#hits, this.#gl.DYNAMIC_DRAW);
  }

  #ordered(values: Uint8Array): Uint8Array {
    return Uint8Array.from(this.#order, (i) => values[i]!);
  }

  #put(buffer: WebGLBuffer | undefined, data: Float32Array | Uint8Array): void {
    if (!buffer) return;
    this.#gl.bindBuffer(this.#gl.ARRAY_BUFFER, buffer);
    this.#gl.bufferData(this.#gl.ARRAY_BUFFER, data, this.#gl.DYNAMIC_DRAW);
  }
}

/** The numbers below `count` in an order that chance decides, the same each time (Fisher and Yates). */
function shuffled(count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  let state = 1;
  for (let i = count - 1; i > 0; i -= 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 2 ** 32) * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** Compiles the program and makes the buffers; `undefined` if the context is lost meanwhile. */
function build(gl: WebGL2RenderingContext): Resources | undefined {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(kind);
    if (!shader) return undefined;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (gl.isContextLost()) return undefined;
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`the map's shaders: ${gl.getProgramInfoLog(program)}`);
  gl.useProgram(program);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  const attribute = (at: number, components: number, type: number): WebGLBuffer => {
    const buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, components, type, false, 0, 0);
    return buffer;
  };
  const places = attribute(0, 2, gl.FLOAT);
  const colours = attribute(1, 1, gl.UNSIGNED_BYTE);
  const looks = attribute(2, 1, gl.UNSIGNED_BYTE);
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
  const found = UNIFORMS.map((name) => [name, gl.getUniformLocation(program, name)] as const);
  return { places, colours, looks, uniforms: Object.fromEntries(found) as Resources["uniforms"] };
}
