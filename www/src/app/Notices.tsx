/** What went wrong and what is new, over the page, so that nothing moves. */

import { Button, Note } from "felsic-ui";
import { notices, putAway, useApp } from "./context.js";
import { t } from "./messages/index.js";
import { problemText } from "./names.js";
import { go } from "./route.js";

export function Notices() {
  const { library, shell } = useApp();
  return (
    <div class="notices">
      {/* Each is read out when it comes; those that are there are not read again. */}
      <div role="alert">
        {library.problems.value.map((problem) => (
          <Note
            key={problem.id}
            dismiss={t("problem.dismiss")}
            onDismiss={() => library.dismiss(problem.id)}
            actions={problem.id === "model" && <Button onClick={() => go({ view: "settings" })}>{t("problem.settings")}</Button>}
          >
            <p>{problemText(problem)}</p>
          </Note>
        ))}
        {notices.value.map(({ id, kind, text }) => (
          <Note key={id} kind={kind} dismiss={t("problem.dismiss")} onDismiss={() => putAway(id)}>
            <p>{text}</p>
          </Note>
        ))}
      </div>
      <div role="status">
        {shell.update.value && (
          <Note kind="news" actions={<Button onClick={() => shell.applyUpdate()}>{t("shell.update.apply")}</Button>}>
            <p>{t("shell.update")}</p>
            <p class="quiet-line">{t("shell.update.help")}</p>
          </Note>
        )}
      </div>
    </div>
  );
}
