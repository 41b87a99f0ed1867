/** Says that nothing is kept, and why, on pages that browsers store no files for. */

import { Icon } from "felsic-ui";
import { useApp } from "./context.js";
import { t } from "./messages/index.js";

export function Unkept() {
  const { library } = useApp();
  if (library.keeps) return null;
  return (
    <p class="unkept">
      <Icon name="warning" small />
      <span>{t("unkept.text")}</span>
    </p>
  );
}
