/** The clusters as a list: a click selects one. It is also what a map is for those who do not see it. */

import type { Place } from "../library/types.js";
import type { Chart, Group } from "./chart.js";
import { nameOf } from "./previews.js";
import { t } from "../app/messages/index.js";

/** How many documents of the selected cluster are listed. */
const LISTED = 12;

interface GroupsProps {
  readonly chart: Chart;
  /** The cluster that is selected. */
  readonly chosen: number | undefined;
  readonly onChoose: (group: number) => void;
  readonly onOpen: (place: Place) => void;
}

/** The words of a cluster, for people. */
function wordsOf({ words }: Group): string {
  return words.length > 0 ? words.join(", ") : t("atlas.nameless");
}

/** The list of clusters. */
export function Groups({ chart, chosen, onChoose, onOpen }: GroupsProps) {
  return (
    <section class="map-groups">
      <h2>{t("atlas.clusters")}</h2>
      <p class="map-help">{t("atlas.clusters-help")}</p>
      <ul>
        {chart.groups.map((group, at) => (
          <li key={at}>
            <button type="button" class="map-group" aria-pressed={chosen === at} onClick={() => onChoose(at)}>
              <i class={`map-dot colour-${group.colour + 1}`} />
              <span class="words">{wordsOf(group)}</span>
              <span class="size">{t("atlas.documents", { count: group.size })}</span>
            </button>
            {chosen === at && <Documents chart={chart} group={at} onOpen={onOpen} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Documents({
  chart,
  group,
  onOpen,
}: {
  readonly chart: Chart;
  readonly group: number;
  readonly onOpen: (place: Place) => void;
}) {
  return (
    <ul class="map-documents" aria-label={t("atlas.first-documents")}>
      {nearestOf(chart, group, LISTED).map((at) => {
        const id = chart.ids[at]!;
        return (
          <li key={id}>
            <button type="button" title={id} onClick={() => onOpen({ id, start: 0, end: 0 })}>
              {nameOf(id)}
            </button>
          </li>
        );
      })}
    </ul>
  );
}

/** The documents of a cluster, those nearest to its middle first. */
function nearestOf({ x, y, cluster, groups }: Chart, group: number, most: number): number[] {
  const { middle } = groups[group]!;
  const away = (at: number) => (x[at]! - middle.x) ** 2 + (y[at]! - middle.y) ** 2;
  const members = membersOf(cluster, group).map((at) => ({ at, away: away(at) }));
  return members
    .sort((a, b) => a.away - b.away || a.at - b.at)
    .slice(0, most)
    .map(({ at }) => at);
}

/** The documents of a cluster, in order. */
export function membersOf(cluster: Uint8Array, group: number): number[] {
  const members: number[] = [];
  for (let at = 0; at < cluster.length; at += 1) if (cluster[at] === group) members.push(at);
  return members;
}
