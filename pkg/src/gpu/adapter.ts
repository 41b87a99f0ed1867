/** Which GPU the browser offers, and whether it is one. */

/** What WebGPU says about an adapter. Browsers leave out what could identify a user. */
export interface AdapterInfo {
  readonly vendor?: string;
  readonly architecture?: string;
  readonly device?: string;
  readonly description?: string;
  readonly isFallbackAdapter?: boolean;
}

interface Adapter {
  readonly info?: AdapterInfo;
  readonly features?: Iterable<string>;
  /** Where browsers said it before it was a part of `info`. */
  readonly isFallbackAdapter?: boolean;
}

interface Gpu {
  readonly wgslLanguageFeatures?: Iterable<string>;
  requestAdapter(options: object): Promise<Adapter | null>;
}

/** An adapter, by what is told about it. */
export interface FoundAdapter {
  /** Its name, for people and as a key. */
  readonly name: string;
  readonly isSoftware: boolean;
  /** What it can do besides what all can, and the browser's shaders: kernels are chosen by that. */
  readonly abilities: readonly string[];
}

/** What the drivers call themselves that compute on the CPU: Chromium's, Mesa's and Microsoft's. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|swrast|microsoft basic render|\bwarp\b|software/i;

/** Returns the adapter that the browser offers, if it offers one; never rejects. */
export async function findAdapter(): Promise<FoundAdapter | undefined> {
  const { gpu } = (globalThis.navigator ?? {}) as { gpu?: Gpu };
  try {
    // As the engine's worker does.
    const adapter = await gpu?.requestAdapter({ powerPreference: "high-performance" });
    return adapter ? described(adapter, gpu?.wgslLanguageFeatures) : undefined;
  } catch {
    return undefined;
  }
}

/** Describes an adapter. One that says neither who it is nor whether it is software may be software. */
export function described(adapter: Adapter, language: Iterable<string> = []): FoundAdapter {
  const { info = {}, features = [], isFallbackAdapter = info.isFallbackAdapter } = adapter;
  const { vendor = "", architecture = "", device = "", description = "" } = info;
  const name = [vendor, architecture, device, description].filter((word) => word !== "").join(" ");
  const isUnknown = name === "" && isFallbackAdapter === undefined;
  return {
    name: name || "unknown",
    isSoftware: isFallbackAdapter === true || isUnknown || SOFTWARE.test(name),
    abilities: [...features, ...language].sort(),
  };
}
