/** The first visit: what the page is for, and how to begin. */

import { Icon, type IconName } from "felsic-ui";
import { AddButtons } from "./Adding.js";
import { t } from "./messages/index.js";
import { Unkept } from "./Unkept.js";
import { Work } from "./Work.js";
import { useApp } from "./context.js";

const POINTS: readonly (readonly ["private" | "meaning" | "offline", IconName])[] = [
  ["private", "shield"],
  ["meaning", "search"],
  ["offline", "check"],
];

export function Welcome() {
  const { library } = useApp();
  const isBusy = library.progress.value !== undefined;
  return (
    <div class="welcome">
      <div class="drop-zone">
        <h2>{t("welcome.title")}</h2>
        <p class="lead">{t(library.keeps ? "welcome.text" : "welcome.text.unkept")}</p>
        <Unkept />
        {isBusy ? <Work /> : <AddButtons large samples />}
        <p class="kinds">{t("welcome.kinds")}</p>
      </div>
      <ul class="points">
        {POINTS.filter(([point]) => library.keeps || point !== "offline").map(([point, icon]) => (
          <li key={point}>
            <Icon name={icon} />
            <h3>{t(`welcome.point.${point}`)}</h3>
            <p>{t(`welcome.point.${point}.text`)}</p>
          </li>
        ))}
      </ul>
    </div>
  );
}
