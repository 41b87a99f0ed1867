/** What was found: a card for each file or page, with its best passages. */

import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icons.js";
import { Marked, type Snippet } from "./marked.js";

/** A passage that was found. */
export interface HitPassageView {
  readonly key: string;
  /** Where a click leads. */
  readonly href: string;
  readonly snippet: Snippet;
  /** The headings above it, or the name of its part of the file. */
  readonly trail: string;
  /** Such as “page 12”. */
  readonly page?: string | undefined;
  readonly current: boolean;
}

/** A file or page that was found. */
export interface HitView {
  readonly title: string;
  readonly icon: IconName;
  readonly path?: string | undefined;
  readonly date?: { readonly text: string; readonly machine: string } | undefined;
  readonly isCode?: boolean;
  readonly passages: readonly HitPassageView[];
}

interface HitCardProps extends HitView {
  readonly onOpen: (key: string, event: MouseEvent) => void;
  readonly onFocus?: (key: string) => void;
  /** What can be done with it, below the passages. */
  readonly children?: ComponentChildren;
}

/** A file with its passages; each of them is a link. */
export function HitCard({ title, icon, path, date, isCode = false, passages, onOpen, onFocus, children }: HitCardProps) {
  return (
    <article class="hit">
      <header>
        <Icon name={icon} small />
        <h3>
          <bdi>{title}</bdi>
        </h3>
        {date ? <time dateTime={date.machine}>{date.text}</time> : <span />}
        {path !== undefined && (
          <p class="path" title={path}>
            <bdi>{path}</bdi>
          </p>
        )}
      </header>
      <ol>
        {passages.map((passage) => (
          <li key={passage.key}>
            <a
              class="passage"
              href={passage.href}
              aria-current={passage.current ? "true" : undefined}
              onClick={(event) => onOpen(passage.key, event)}
              onFocus={() => onFocus?.(passage.key)}
            >
              {(passage.trail !== "" || passage.page !== undefined) && (
                <span class="where">
                  {passage.page !== undefined && <span class="page">{passage.page}</span>}
                  {passage.trail !== "" && <span dir="auto">{passage.trail}</span>}
                </span>
              )}
              <span class={isCode ? "said code" : "said"} dir="auto">
                <Marked {...passage.snippet} />
              </span>
            </a>
          </li>
        ))}
      </ol>
      {children && <footer>{children}</footer>}
    </article>
  );
}

/** One reason why something was found. */
export interface Reason {
  readonly name: string;
  /** From 0 to 1. */
  readonly score: number;
  readonly detail: string;
}

/** Why a passage was found. */
export function Why({ label, reasons }: { readonly label: string; readonly reasons: readonly Reason[] }) {
  return (
    <details class="why">
      <summary>{label}</summary>
      <dl>
        {reasons.map(({ name, score, detail }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <span class="meter">
                <span style={{ width: `${Math.round(Math.max(0, Math.min(1, score)) * 100)}%` }} />
              </span>
            </dd>
            <dd>{detail}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
