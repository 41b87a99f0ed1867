/** The list of keys. */

import { Button, Dialog, Kbd } from "felsic-ui";
import { keysShown } from "./keys.js";
import { t } from "./messages/index.js";

export function KeysDialog() {
  const close = () => (keysShown.value = false);
  const keys = [
    [["/", `${t("key.ctrl")} K`], t("keys.search")],
    [["↓", "↑", "j", "k"], t("keys.move")],
    [[t("key.enter")], t("keys.open")],
    [["n", "p"], t("keys.next")],
    [[t("key.esc")], t("keys.back")],
    [["?"], t("keys.help")],
  ] as const;
  return (
    <Dialog
      open={keysShown.value}
      title={t("keys.title")}
      onClose={close}
      actions={<Button onClick={close}>{t("pane.close")}</Button>}
    >
      <dl class="keys">
        {keys.map(([names, what]) => (
          <div key={what}>
            <dt>
              {names.map((name) => (
                <Kbd key={name}>{name}</Kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
