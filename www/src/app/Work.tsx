/** The work that goes on: how far it is, how fast, how long it takes, and the buttons that stop it. */

import { Button, IconButton, Progress } from "felsic-ui";
import { useApp } from "./context.js";
import { duration, t } from "./messages/index.js";

/** How far the work is, in words and as a share. */
function useWork() {
  const { library } = useApp();
  const progress = library.progress.value;
  const paused = library.paused.value;
  if (!progress) return undefined;
  const { step, files, passages, speed, left, path } = progress;
  const { done, total } = step === "reading" ? files : passages;
  return {
    text: t(`progress.${step}`, { done, total }),
    value: total > 0 ? done / total : undefined,
    details: paused
      ? [t("progress.paused")]
      : [
          ...(speed ? [t("progress.speed", { count: Math.round(speed) })] : []),
          ...(left !== undefined && Number.isFinite(left) && left > 0 ? [t("progress.left", { time: duration(left) })] : []),
        ],
    path: paused ? undefined : path,
    paused,
  };
}

/** In full, for the library. */
export function Work() {
  const { library } = useApp();
  const work = useWork();
  if (!work) return null;
  return (
    <div class="work">
      <p class="work-text">{work.text}</p>
      <Progress label={t("progress.label")} value={work.value} />
      <p class="work-detail">{[...work.details, ...(work.path === undefined ? [] : [work.path])].join(" · ")}</p>
      <div class="actions">
        {work.paused ? (
          <Button icon="play" onClick={() => library.resume()}>
            {t("progress.resume")}
          </Button>
        ) : (
          <Button icon="pause" onClick={() => library.pause()}>
            {t("progress.pause")}
          </Button>
        )}
        <Button kind="quiet" onClick={() => void library.cancel()}>
          {t("progress.cancel")}
        </Button>
      </div>
    </div>
  );
}

/** In one line, for the status bar. */
export function WorkLine() {
  const { library } = useApp();
  const work = useWork();
  if (!work) return null;
  return (
    <div class="work-line">
      <span class="work-text">{[work.text, ...work.details].join(" · ")}</span>
      <Progress label={t("progress.label")} value={work.value} />
      {work.paused ? (
        <IconButton icon="play" label={t("progress.resume")} onClick={() => library.resume()} />
      ) : (
        <IconButton icon="pause" label={t("progress.pause")} onClick={() => library.pause()} />
      )}
    </div>
  );
}
