/**
 * The pages that wait to be remembered, on the disk. A page is acknowledged when its job is there; the job goes when the page is in the
 * collection. So whatever the browser ends in between, the job is done again, and doing it twice changes nothing.
 */

import { clear, createStore, del, delMany, entries, get, keys, set, update } from "idb-keyval";
import { ExtensionError } from "./errors.js";

/** A page that waits. */
export interface Job {
  /** The id of its document. */
  readonly id: string;
  readonly url: string;
  readonly title: string;
  readonly site: string;
  readonly html: string;
  /** When it was read, in milliseconds since 1970. */
  readonly time: number;
}

/** A job that could not be done. */
export interface FailedJob {
  readonly job: Job;
  readonly code: string;
  readonly message: string;
}

/** The database sorts jobs by their times. */
export type JobKey = [time: number, id: string];

/** The most jobs that wait, and those that could not be done. */
const MOST_WAITING = 1_000;
const MOST_FAILED = 100;

const waiting = createStore("felsic-queue", "jobs");
const failures = createStore("felsic-failed", "jobs");

/** Puts a job on the disk; rejects with `queue-full` if too many wait. */
export async function enqueue(job: Job): Promise<void> {
  if ((await keys(waiting)).length >= MOST_WAITING)
    throw new ExtensionError("queue-full", `${MOST_WAITING} pages wait to be remembered; indexing has to go on first`);
  await set([job.time, job.id] satisfies JobKey, job, waiting);
}

/** Returns the job that has waited longest. */
export async function nextJob(): Promise<{ key: JobKey; job: Job } | undefined> {
  const [key] = await keys<JobKey>(waiting);
  const job = key && (await get<Job>(key, waiting));
  return key && job && { key, job };
}

/** Removes a job that is done. */
export function done(key: JobKey): Promise<void> {
  return del(key, waiting);
}

/** Puts a job aside that cannot be done. The latest ones are kept, so that they can be tried again. */
export async function fail(key: JobKey, failed: FailedJob): Promise<void> {
  await set(key, failed, failures);
  const old = (await keys<JobKey>(failures)).slice(0, -MOST_FAILED);
  await delMany(old, failures);
  await done(key);
}

/** Lets the jobs wait again that could not be done. */
export async function retryFailed(): Promise<void> {
  for (const [key, { job }] of await entries<JobKey, FailedJob>(failures)) {
    await update<Job>(key, () => job, waiting);
    await del(key, failures);
  }
}

/** Returns how many jobs wait and how many could not be done. */
export async function counts(): Promise<{ waiting: number; failed: number }> {
  const [jobs, failed] = await Promise.all([keys(waiting), keys(failures)]);
  return { waiting: jobs.length, failed: failed.length };
}

/** Removes jobs, also those that could not be done; returns the ids of their documents. */
export async function removeJobs(fits: (job: Job) => boolean): Promise<string[]> {
  const jobs = (await entries<JobKey, Job>(waiting)).filter(([, job]) => fits(job));
  const failed = (await entries<JobKey, FailedJob>(failures)).filter(([, { job }]) => fits(job));
  await delMany(
    jobs.map(([key]) => key),
    waiting,
  );
  await delMany(
    failed.map(([key]) => key),
    failures,
  );
  return [...jobs.map(([, { id }]) => id), ...failed.map(([, { job }]) => job.id)];
}

/** Removes all jobs. */
export async function clearJobs(): Promise<void> {
  await Promise.all([clear(waiting), clear(failures)]);
}
