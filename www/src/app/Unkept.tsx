/** Says that nothing is kept, and why, where the browser stores no files for the page. */

import { Icon } from "felsic-ui";
import { useApp } from "./context.js";
import { t } from "./messages/index.js";

export function Unkept() {
  const { library } = useApp();
  if (library.keeps) return null;
  return (
    <p class="unkept">
      <Icon name="warning" small />
      <span>{t(isSecureContext ? "unkept.text.private" : "unkept.text")}</span>
    </p>
  );
}
