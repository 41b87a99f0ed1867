/** What the measurement found, as one object that can be copied: the figures, and what they were measured on. */

import { dependencies } from "../../package.json";
import type { Failure, Figures, Plan } from "./measure.js";

/** The device, as far as a browser tells. */
export interface Device {
  readonly userAgent: string;
  readonly cores: number;
  /** Gigabytes, rounded by the browser. */
  readonly memory?: number;
  readonly gpu?: string;
}

/** A measurement. */
export interface Report {
  readonly felsic: string;
  /** When it was made, in UTC. */
  readonly date: string;
  readonly device: Device;
  readonly plan: Plan;
  readonly rows: readonly Figures[];
  readonly failures: readonly Failure[];
}

/** Puts a report together. */
export async function reportOf(plan: Plan, rows: readonly Figures[], failures: readonly Failure[]): Promise<Report> {
  return { felsic: dependencies.felsic, date: new Date().toISOString(), device: await deviceOf(), plan, rows, failures };
}

/** Asks the browser what it runs on. */
async function deviceOf(): Promise<Device> {
  const { userAgent, hardwareConcurrency, deviceMemory, gpu } = navigator as Navigator & { readonly deviceMemory?: number };
  const info = (await gpu?.requestAdapter().catch(() => null))?.info;
  const card = [info?.vendor, info?.architecture, info?.description].filter(Boolean).join(" ");
  return {
    userAgent,
    cores: hardwareConcurrency,
    ...(deviceMemory !== undefined && { memory: deviceMemory }),
    ...(card && { gpu: card }),
  };
}
