/** What holds other things, and what tells how things are. */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { IconButton } from "./controls.js";
import { Icon, type IconName } from "./icons.js";

/** How far something is, from 0 to 1; without a value, that it goes on. */
export function Progress({ label, value }: { readonly label: string; readonly value?: number | undefined }) {
  return <progress class="progress" aria-label={label} max={1} {...(value !== undefined && { value })} />;
}

interface DialogProps {
  readonly open: boolean;
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  readonly actions?: ComponentChildren;
}

/** A question, or something to read, in front of everything else. Esc and a click beside it close it. */
export function Dialog({ open, title, onClose, children, actions }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal();
    else if (!open) dialog.current?.close();
  }, [open]);
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby={id}
      onClose={onClose}
      onClick={(event) => {
        const element = dialog.current;
        if (element && event.target === element && !isInside(event, element)) onClose();
      }}
    >
      {open && (
        <>
          <h2 id={id}>{title}</h2>
          {children}
          {actions && <div class="actions">{actions}</div>}
        </>
      )}
    </dialog>
  );
}

/** Whether a click was within an element's edges; its padding counts. */
function isInside({ clientX, clientY }: MouseEvent, element: Element): boolean {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return clientX >= left && clientX <= right && clientY >= top && clientY <= bottom;
}

interface NoteProps {
  readonly kind?: "bad" | "warn" | "news";
  readonly children: ComponentChildren;
  readonly actions?: ComponentChildren;
  /** The name of the button that puts it away. */
  readonly dismiss?: string;
  readonly onDismiss?: () => void;
}

const NOTE_ICONS: Readonly<Record<NonNullable<NoteProps["kind"]>, IconName>> = { bad: "warning", warn: "warning", news: "info" };

/** What went wrong, or what is new. */
export function Note({ kind = "bad", children, actions, dismiss, onDismiss }: NoteProps) {
  return (
    <div class={`problem ${kind}`}>
      <Icon name={NOTE_ICONS[kind]} />
      <div class="words">
        {children}
        {actions && <div class="actions">{actions}</div>}
      </div>
      {dismiss !== undefined && onDismiss && <IconButton icon="close" label={dismiss} onClick={onDismiss} />}
    </div>
  );
}

interface EmptyProps {
  readonly icon: IconName;
  readonly title: string;
  readonly children?: ComponentChildren;
  readonly actions?: ComponentChildren;
}

/** What a place says that has nothing to show, and what to do about it. */
export function Empty({ icon, title, children, actions }: EmptyProps) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children}
      {actions && <div class="actions">{actions}</div>}
    </div>
  );
}

/** Names and values. */
export function Facts({ facts }: { readonly facts: readonly (readonly [name: string, value: string])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
