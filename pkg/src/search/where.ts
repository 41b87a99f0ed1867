/** Filters: which documents are searched. They are checked on the page, and applied in the worker before anything is searched. */

import { invalid } from "../options.js";
import type { StoredDocument } from "./stored.js";
import { isObject } from "./stored-check.js";
import type { FilterOperators, FilterValue, Where } from "./types.js";

type Fields = Pick<StoredDocument, "id" | "title" | "url" | "tags" | "meta">;

const RANGES = ["gt", "gte", "lt", "lte"] as const;
const OPERATORS: readonly string[] = [...RANGES, "not"];
/** The fields of a document itself; others are those of its `meta`. */
const OWN = ["id", "url", "title", "tags"] as const;

const isValue = (value: unknown): value is FilterValue =>
  value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);

/** A filter, checked, as an object of its own. */
export function checkedWhere(where: unknown): Where | undefined {
  if (where === undefined) return undefined;
  if (!isObject(where)) throw invalid('where must be an object such as { tags: "guide" }');
  return Object.fromEntries(Object.entries(where).map(([field, wanted]) => [field, checkedCondition(field, wanted)]));
}

function checkedCondition(field: string, wanted: unknown): FilterValue | readonly FilterValue[] | FilterOperators {
  const name = `where.${field}`;
  if (Array.isArray(wanted)) return checkedValues(name, wanted);
  if (!isObject(wanted)) return checkedValue(name, wanted);
  const operators = Object.keys(wanted);
  const unknown = operators.find((operator) => !OPERATORS.includes(operator));
  if (unknown !== undefined) {
    throw invalid(`${name} has the unknown operator ${JSON.stringify(unknown)}; the operators are ${OPERATORS.join(", ")}`);
  }
  if (operators.length === 0) throw invalid(`${name} has no operator; the operators are ${OPERATORS.join(", ")}`);
  for (const operator of RANGES) {
    const limit = wanted[operator];
    if (Object.hasOwn(wanted, operator) && !Number.isFinite(limit) && typeof limit !== "string") {
      throw invalid(`${name}.${operator} must be a number or a string`);
    }
  }
  const { not } = wanted;
  if (!Object.hasOwn(wanted, "not")) return { ...wanted };
  return { ...wanted, not: Array.isArray(not) ? checkedValues(`${name}.not`, not) : checkedValue(`${name}.not`, not) };
}

function checkedValues(name: string, values: readonly unknown[]): FilterValue[] {
  return values.map((value) => checkedValue(name, value));
}

function checkedValue(name: string, value: unknown): FilterValue {
  if (isValue(value)) return value;
  throw invalid(`${name} must be a string, a number, true, false or null, a list of those, or an object with operators`);
}

/** Returns a function that says whether a document fits. */
export function matcher(where: Where): (document: Fields) => boolean {
  const conditions = Object.entries(where).map(([field, wanted]) => [field, condition(wanted)] as const);
  return (document) => conditions.every(([field, fits]) => fits(valuesOf(document, field)));
}

/** The values of a field: those of a list, one, or none. */
function valuesOf(document: Fields, field: string): readonly unknown[] {
  const own = (OWN as readonly string[]).includes(field);
  const { meta } = document;
  const value = own ? document[field as keyof Fields] : meta && Object.hasOwn(meta, field) ? meta[field] : undefined;
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

function condition(wanted: Where[string]): (values: readonly unknown[]) => boolean {
  if (!isObject(wanted)) return anyOf(wanted as FilterValue | readonly FilterValue[]);
  const { not, ...ranges } = wanted as FilterOperators;
  const isExcluded = not === undefined ? () => false : anyOf(not);
  const limits = Object.entries(ranges) as [(typeof RANGES)[number], number | string][];
  return (values) =>
    !isExcluded(values) && (limits.length === 0 || values.some((value) => limits.every((limit) => isWithin(value, limit))));
}

function anyOf(wanted: FilterValue | readonly FilterValue[]): (values: readonly unknown[]) => boolean {
  const list: readonly unknown[] = Array.isArray(wanted) ? wanted : [wanted];
  // What is not there equals null.
  return (values) => (values.length === 0 ? list.includes(null) : values.some((value) => list.includes(value)));
}

function isWithin(value: unknown, [operator, limit]: readonly [(typeof RANGES)[number], number | string]): boolean {
  if (typeof value !== typeof limit) return false;
  const order = compare(value as number | string, limit);
  switch (operator) {
    case "gt":
      return order > 0;
    case "gte":
      return order >= 0;
    case "lt":
      return order < 0;
    case "lte":
      return order <= 0;
  }
}

const compare = (a: number | string, b: number | string) => (a < b ? -1 : a > b ? 1 : 0);
