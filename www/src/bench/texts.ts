/** The fixed texts: the same for every engine and visit, and no two runs see the same one, so that nothing can be remembered. */

const SENTENCES = `
The harbour was quiet before the first ships came in with the morning tide.
A baker needs flour, water, salt and more patience than most people have.
Comets spend nearly all of their time far from the sun, in the cold and the dark.
The committee postponed its decision until every member had read the report.
Old maps show a river where there is only a row of trees today.
When the wind turns to the north, the swallows gather on the wires.
The violin had been repaired so often that hardly any of the first wood was left.
Nobody could say who had planted the orchard, or when the wall around it was built.
The engine starts at the second attempt if the valve is warm.
Students who slept well remembered more of the list on the following day.
Glaciers carry stones over great distances and leave them in the middle of fields.
The contract says that the tenant pays for repairs of less than a hundred pounds.
A fever above thirty-nine degrees for more than three days should be seen by a doctor.
The goalkeeper moved a step to the left, and the ball went past him on the right.
Copper turns green in the rain, and roofs last for centuries because of it.
The library lends instruments as well as books, but only to people of the town.
Two of the witnesses had seen the car, and neither remembered its colour.
In late summer the meadow is cut once more, when the seeds have fallen.
The printer refuses to work without the yellow cartridge even for a black page.
Trade along the coast was older than any of the towns that lived by it.
She wrote the letter three times and sent the shortest version.
The bridge was closed to lorries, which now went through the village.
Bread that has been frozen tastes fresh again after ten minutes in the oven.
The telescope collects light for an hour to show what the eye cannot see.`
  .trim()
  .split("\n");

const QUESTIONS = `
how do glaciers move stones
who pays for small repairs of a flat
why do copper roofs turn green
when is the meadow cut
what makes frozen bread taste fresh
where do comets spend their time
how warm is a fever for a doctor
why was the bridge closed
which instruments can be borrowed
how often was the violin repaired
when do swallows gather
what does a baker need
did the witnesses see the car
why does the printer refuse to work
what helps students remember`
  .trim()
  .split("\n");

/** Sentences of a passage: about 110 tokens. */
const LENGTH = 7;

/** The first text of an engine. */
export const FIRST = "The weather is nice today, so we are going to the park after lunch.";

/** A short query; `run` chooses it. */
export function queryOf(run: number): string {
  const question = QUESTIONS[run % QUESTIONS.length]!;
  return run < QUESTIONS.length ? question : `${question} ${Math.floor(run / QUESTIONS.length) + 1}`;
}

/** Passages of one call; `run` chooses them. */
export function passagesOf(run: number, count: number): string[] {
  return Array.from({ length: count }, (_, passage) => {
    const start = run * 11 + passage * 5;
    const sentences = Array.from({ length: LENGTH }, (_, i) => SENTENCES[(start + i * (1 + (passage % 3))) % SENTENCES.length]!);
    return `${run + 1}.${passage + 1} ${sentences.join(" ")}`;
  });
}
