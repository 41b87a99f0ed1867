/**
 * Watches the GPU's device from inside its worker. WebGPU reports most failures to nobody who waits: a buffer that there is no memory for, a
 * refused shader or an invalid command leaves zeros, or old numbers, in what is read afterwards. Such numbers must not pass for vectors.
 */

/** What is used of an error and a device of WebGPU here; TypeScript's library for pages does not have them. */
interface DeviceError {
  readonly message: string;
}
interface Device extends EventTarget {
  readonly lost: Promise<{ readonly reason?: string; readonly message: string }>;
  pushErrorScope(filter: "validation"): void;
  popErrorScope(): Promise<DeviceError | null>;
}
interface Adapter {
  requestDevice(...given: unknown[]): Promise<Device>;
}

/** What an engine's worker asks about its device. */
export interface Watch {
  /** What has failed first, for people; after that, no number of the device can be trusted. */
  readonly fault: string | undefined;
  /** Calls back when something fails. */
  onFault(callback: (fault: string) => void): void;
  /** Waits until the device has reported whatever has failed of the work so far. Never rejects. */
  settle(): Promise<void>;
}

/** Watches every device that is requested in this worker from now on. */
export function watchDevices(): Watch {
  const watch = new Devices();
  const { prototype } = (globalThis as { GPUAdapter?: { prototype: Adapter } }).GPUAdapter ?? {};
  if (!prototype) return watch;
  const { requestDevice } = prototype;
  prototype.requestDevice = async function (...given) {
    const device = await requestDevice.apply(this, given);
    watch.add(device);
    return device;
  };
  return watch;
}

class Devices implements Watch {
  readonly #settles: (() => Promise<unknown>)[] = [];
  #fault: string | undefined;
  #callback: ((fault: string) => void) | undefined;

  get fault(): string | undefined {
    return this.#fault;
  }

  onFault(callback: (fault: string) => void): void {
    this.#callback = callback;
  }

  async settle(): Promise<void> {
    await Promise.all(this.#settles.map((settle) => settle()));
  }

  add(device: Device): void {
    const lost = device.lost.then(({ message }) => this.#note("the device was lost", message));
    device.addEventListener("uncapturederror", (event) => {
      this.#note("the device reports an error", (event as Event & { readonly error: DeviceError }).error.message);
    });
    // Errors that libraries capture, and may pass over, count as well.
    const pop = device.popErrorScope.bind(device);
    device.popErrorScope = async () => {
      const error = await pop();
      if (error) this.#note("the device reports an error", error.message);
      return error;
    };
    this.#settles.push(() => {
      // The answer to an empty scope comes behind all reports of what was sent before it.
      device.pushErrorScope("validation");
      return Promise.race([pop().catch(() => null), lost]);
    });
  }

  #note(what: string, message: string): void {
    if (this.#fault !== undefined) return;
    this.#fault = message ? `${what}: ${message}` : what;
    this.#callback?.(this.#fault);
  }
}
