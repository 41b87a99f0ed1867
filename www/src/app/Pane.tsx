/** What lies beside the results, and over them where there is little room. */

import { Icon, IconButton, type IconName } from "felsic-ui";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { isNarrow } from "./context.js";
import { focusResults } from "./keys.js";
import { t } from "./messages/index.js";
import { closePane, route } from "./route.js";

interface HeadProps {
  readonly title: string;
  readonly detail?: string;
  readonly icon: IconName;
  readonly children?: ComponentChildren;
}

/** The title of what is shown, and the way back. */
export function PaneHead({ title, detail = "", icon, children }: HeadProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const { view } = route.value;
  useEffect(() => {
    // Whoever opens a view goes on in it; a document that is only looked at leaves the focus in the list.
    if (view !== "reader") heading.current?.focus({ preventScroll: true });
  }, [view]);
  const close = () => {
    closePane();
    requestAnimationFrame(focusResults);
  };
  return (
    <div class="pane-head">
      {isNarrow.value ? <IconButton icon="back" label={t("pane.back")} onClick={close} /> : <Icon name={icon} />}
      <div class="pane-title">
        <h2 ref={heading} tabIndex={-1}>
          <bdi>{title}</bdi>
        </h2>
        {detail !== "" && (
          <p title={detail}>
            <bdi>{detail}</bdi>
          </p>
        )}
      </div>
      {children}
      {!isNarrow.value && <IconButton icon="close" label={t("pane.close")} onClick={close} />}
    </div>
  );
}

/** A part of a view. */
export function Section({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section class="section">
      <h3>{title}</h3>
      {children}
    </section>
  );
}
