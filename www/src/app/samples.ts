/** Files for trying the page at once: short notes in several languages, pairs of which mean the same without sharing words, and longer ones. */

const NOTES: Readonly<Record<string, string>> = {
  "Home/Afternoon.txt": "A cat sleeps on the warm windowsill all afternoon.",
  "Home/Kitten.txt": "The kitten has curled up in the sun and will not be moved.",
  "Money/Interest rate.txt": "The central bank raised its key interest rate by a quarter point.",
  "Money/Loans.txt": "Borrowing is becoming more expensive for households and companies.",
  "Kitchen/Pasta.txt": "Bring the water to the boil, add salt, and cook the pasta for nine minutes.",
  "Kitchen/Dough.txt": "For the dough, mix flour, yeast and lukewarm water and let it rise for an hour.",
  "Travel/Night train.txt": "The night train to Vienna leaves from platform seven at half past ten.",
  "Travel/Airport.txt": "Because of a strike most flights from the airport are cancelled today.",
  "Home/Router.txt": "To reset the router, hold the small button at the back for ten seconds.",
  "Work/Bug report.txt": "The app crashes when I open a file that is larger than two gigabytes.",
  "Nature/Granite.txt": "Granite is a coarse-grained rock of quartz, feldspar and mica that cooled slowly underground.",
  "Nature/Volcanoes.txt": "Volcanoes form where molten rock finds a way through the crust.",
  "Sport/Marathon.txt": "She ran the marathon in just under four hours, in spite of the rain.",
  "Sport/Final.txt": "Our team lost the final after a penalty in the last minute.",
  "Health/Walks.txt": "The doctor recommends a short walk after every meal.",
  "Work/Contract.txt": "Please sign the contract and send it back by Friday.",
  "Other languages/Katze.txt": "Die Katze liegt auf der Fensterbank und schläft.",
  "Other languages/Zug.txt": "Der Zug nach Köln hat heute wegen eines Streiks Verspätung.",
  "Other languages/Marché.txt": "Le marché couvert ouvre dès l’aube, même les jours de pluie.",
  "Other languages/Estación.txt": "¿Dónde está la estación más cercana? No llevo mapa.",
  "Other languages/Поезд.txt": "Поезд прибывает на третий путь через пять минут.",
  "Other languages/猫.txt": "猫は暖かい窓辺で寝ている。",
  "Other languages/柳树.txt": "春天的时候河边的柳树最先发芽。",
  "Other languages/مكتبة.txt": "المكتبة مفتوحة حتى الساعة الثامنة مساءً.",
  "Home/Tenancy agreement.md": `# Tenancy agreement

## Rent and deposit

The rent is due on the third working day of each month. A deposit of two months’ rent is held on an account of its own and is paid back, with interest, within six months of the end of the tenancy, less the cost of damage beyond ordinary wear.

## Ending the tenancy

Either side may end the tenancy in writing. The tenant gives three months’ notice, to the end of a month. For the landlord this period grows to six months after five years and to nine months after eight.

## Repairs

Defects are to be reported without delay. Small repairs up to 100 euros are paid by the tenant, at most 300 euros a year. Whoever locks themselves out pays for the locksmith.

## House rules

Quiet hours are from ten in the evening to six in the morning. The stairs are cleaned in turn; the plan hangs beside the letter boxes.
`,
  "Kitchen/Sourdough.md": `# Sourdough bread

## The starter

Stir equal weights of rye flour and water and leave the jar in a warm place. Feed it every day; after five days it smells sour and doubles within a few hours.

## The loaf

Mix 500 g of wheat flour, 350 g of water, 100 g of starter and 10 g of salt. Fold the dough every half hour, four times, then let it rest overnight in the fridge.

## Baking

Heat the oven to 250 degrees with a lidded pot inside. Bake for 25 minutes with the lid and 20 without, until the crust is dark brown and the bottom sounds hollow.
`,
  "Nature/Rocks.md": `# Rocks around the house

## Felsic rocks

Felsic rocks are rich in feldspar and silica, and therefore light in colour and in weight. Granite cooled deep below the ground, slowly enough for crystals that can be seen; rhyolite is the same melt, cooled at the surface.

## Mafic rocks

Basalt and gabbro are dark because of their iron and magnesium. The floor of the oceans is basalt, and so are the columns in the old quarry.

## Telling them apart

Take a lens. If you see pink or white grains beside glassy ones, it is granite. If the stone is black and heavy, it is basalt.
`,
  "Travel/Packing list.md": `# Packing list for the mountains

- Boots that have been worn in, and two pairs of wool socks
- A rain jacket, because the weather turns within an hour
- Two litres of water for each person, and something salty to eat
- Map and compass: the telephone has no reception above the tree line
- Plasters, a bandage and a whistle; the signal for help is six blasts in a minute
`,
  "Money/Household.csv": `month,what,amount,paid by
January,Heating bill,184.20,Ada
February,Dentist,95.00,Ben
March,Bicycle repair,62.50,Ada
April,Train tickets to Vienna,148.00,Ben
May,New washing machine,529.00,Ada
June,Theatre subscription,73.40,Ben
`,
};

/** Returns the samples as files of a folder. */
export function sampleFiles(folder: string): File[] {
  return Object.entries(NOTES).map(([path, text], index) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    // Dates of their own, so that filters by date have something to do.
    const lastModified = Date.now() - index * 20 * 86_400_000;
    const file = new File([text], name, { type: "text/plain", lastModified });
    Object.defineProperty(file, "webkitRelativePath", { value: `${folder}/${path}` });
    return file;
  });
}
