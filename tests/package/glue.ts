/**
 * Checks that the binaries' classes are what the workers expect: compares wasm-bindgen's declarations of the Rust side
 * with the interfaces of pkg/src. Type-checked only.
 */

import type * as cpu from "../../pkg/dist/felsic_cpu.js";
import type * as gpu from "../../pkg/dist/felsic_gpu.js";
import type * as packer from "../../pkg/dist/felsic_packer.js";
import type * as relaxed from "../../pkg/dist/felsic_relaxed.js";
import type { PackerModule } from "../../pkg/dist/types/checkpoint/packer.js";
import type { Engine, EngineModule, Helper } from "../../pkg/dist/types/engine.js";

/** What a method returns. wasm-bindgen does not say that an array has its own memory, which is not shared. */
type Result<T> = 0 extends 1 & T
  ? T
  : T extends Promise<infer U>
    ? Promise<Result<U>>
    : T extends Float32Array
      ? Float32Array<ArrayBuffer>
      : T extends Float64Array
        ? Float64Array<ArrayBuffer>
        : T extends Uint32Array
          ? Uint32Array<ArrayBuffer>
          : T extends Uint8Array
            ? Uint8Array<ArrayBuffer>
            : T;

/** The methods of a class. */
type Methods<T> = {
  [K in keyof T]: T[K] extends (...parameters: infer P) => infer R ? (...parameters: P) => Result<R> : T[K];
};

/** The number of parameters that each method takes: TypeScript alone would let a method take fewer. */
type Arities<T> = { [K in keyof T]: T[K] extends (...parameters: infer P) => unknown ? Required<P>["length"] : never };

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

/** The parameters of the constructors of an engine's classes, and when they are done. */
interface Creates<Module extends EngineModule> {
  readonly default: Module["default"];
  readonly Engine: { create(...parameters: Parameters<Module["Engine"]["create"]>): Promise<unknown> };
  readonly Helper: { create(...parameters: Parameters<Module["Helper"]["create"]>): Promise<unknown> };
}

export function engines(...modules: (typeof cpu | typeof relaxed | typeof gpu)[]): readonly Creates<EngineModule>[] {
  same<Arities<Pick<typeof cpu.Engine, "create">>, Arities<EngineModule["Engine"]>>(true);
  same<Arities<Pick<typeof cpu.Helper, "create">>, Arities<EngineModule["Helper"]>>(true);
  return modules;
}

export function ofEngine(...engines: Methods<cpu.Engine | relaxed.Engine | gpu.Engine>[]): readonly Engine[] {
  same<Arities<Pick<cpu.Engine, keyof Engine>>, Arities<Engine>>(true);
  return engines;
}

export function ofHelper(...helpers: Methods<cpu.Helper | relaxed.Helper | gpu.Helper>[]): readonly Helper[] {
  same<Arities<Pick<cpu.Helper, keyof Helper>>, Arities<Helper>>(true);
  return helpers;
}

type Packer = InstanceType<PackerModule["Packer"]>;
type Settings = ConstructorParameters<PackerModule["Packer"]>;

export function ofPacker(made: Methods<packer.Packer>, module: typeof packer, settings: Settings): Packer {
  const init: PackerModule["default"] = module.default;
  const { nextSettings, indexedFiles }: Pick<PackerModule["Packer"], "nextSettings" | "indexedFiles"> = module.Packer;
  void [init, nextSettings, indexedFiles, new module.Packer(...settings)];
  same<Arities<Pick<packer.Packer, keyof Packer>>, Arities<Packer>>(true);
  same<Required<ConstructorParameters<typeof packer.Packer>>["length"], Required<Settings>["length"]>(true);
  return made;
}
