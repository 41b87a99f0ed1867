/** What is pressed, typed into and chosen from. */

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { Icon, type IconName } from "./icons.js";

interface ButtonProps {
  readonly children: ComponentChildren;
  readonly onClick?: (event: MouseEvent) => void;
  readonly kind?: "plain" | "primary" | "danger" | "quiet";
  readonly size?: "normal" | "large";
  readonly icon?: IconName;
  readonly submits?: boolean;
  readonly disabled?: boolean;
}

/** A button with words. */
export function Button({
  children,
  onClick,
  kind = "plain",
  size = "normal",
  icon,
  submits = false,
  disabled = false,
}: ButtonProps) {
  return (
    <button type={submits ? "submit" : "button"} class={`button ${kind} ${size}`} disabled={disabled} onClick={onClick}>
      {icon && <Icon name={icon} small={size === "normal"} />}
      {children}
    </button>
  );
}

interface IconButtonProps {
  readonly icon: IconName;
  /** What it does: its name for screen readers, and its tooltip. */
  readonly label: string;
  readonly onClick: () => void;
  readonly disabled?: boolean;
}

/** A button that is a picture. */
export function IconButton({ icon, label, onClick, disabled = false }: IconButtonProps) {
  return (
    <button type="button" class="icon-button" aria-label={label} title={label} disabled={disabled} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}

interface FieldProps {
  readonly label: string;
  readonly help?: string | undefined;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly placeholder?: string;
  readonly type?: "text" | "url";
  /** More than one line. */
  readonly rows?: number;
}

/** A field with its label and perhaps a line of help. */
export function Field({ label, help, value, onInput, placeholder, type = "text", rows }: FieldProps) {
  const id = useId();
  const common = {
    id,
    class: "input",
    value,
    placeholder,
    "aria-describedby": help === undefined ? undefined : `${id}-help`,
    onInput: (event: { readonly currentTarget: HTMLInputElement | HTMLTextAreaElement }) => onInput(event.currentTarget.value),
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {rows === undefined ? (
        // An address is typed as text: the browser's own check knows neither relative addresses nor owner/name.
        <input {...common} type="text" inputMode={type} spellcheck={type === "text"} autocomplete="off" />
      ) : (
        <textarea {...common} rows={rows} />
      )}
      {help !== undefined && (
        <p class="help" id={`${id}-help`}>
          {help}
        </p>
      )}
    </div>
  );
}

/** One of the things that can be chosen. */
export interface Choice<Value extends string> {
  readonly value: Value;
  readonly label: string;
}

interface ChoiceProps<Value extends string> {
  readonly label: string;
  readonly choices: readonly Choice<Value>[];
  readonly value: Value;
  readonly onChange: (value: Value) => void;
}

/** A field that offers a list. */
export function SelectField<Value extends string>({ label, choices, value, onChange }: ChoiceProps<Value>) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} class="input" value={value} onChange={(event) => onChange(event.currentTarget.value as Value)}>
        <Options choices={choices} value={value} />
      </select>
    </div>
  );
}

function Options<Value extends string>({ choices, value }: Pick<ChoiceProps<Value>, "choices" | "value">) {
  return choices.map((choice) => (
    <option key={choice.value} value={choice.value} selected={choice.value === value}>
      {choice.label}
    </option>
  ));
}

/** A few choices side by side, one of which holds. */
export function Segmented<Value extends string>({ label, choices, value, onChange }: ChoiceProps<Value>) {
  const name = useId();
  return (
    <div class="segmented" role="radiogroup" aria-label={label}>
      {choices.map((choice) => (
        <label key={choice.value}>
          <input
            type="radio"
            name={name}
            value={choice.value}
            checked={choice.value === value}
            onChange={() => onChange(choice.value)}
          />
          {choice.label}
        </label>
      ))}
    </div>
  );
}

/** A filter: the browser's own list in the shape of a chip. The first choice means that nothing is filtered. */
export function FilterChip<Value extends string>({ label, choices, value, onChange }: ChoiceProps<Value>) {
  return (
    <label class={value === choices[0]?.value ? "chip" : "chip on"}>
      <span class="unseen">{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value as Value)}>
        <Options choices={choices} value={value} />
      </select>
      <Icon name="down" small />
    </label>
  );
}

/** A filter that holds and can be taken away. */
export function Chip({ children, label, onRemove }: { children: ComponentChildren; label: string; onRemove: () => void }) {
  return (
    <button type="button" class="chip on" title={label} onClick={onRemove}>
      <span>{children}</span>
      <span class="unseen">{label}</span>
      <Icon name="close" small />
    </button>
  );
}

/** A key of the keyboard. */
export function Kbd({ children }: { readonly children: ComponentChildren }) {
  return <kbd class="kbd">{children}</kbd>;
}
