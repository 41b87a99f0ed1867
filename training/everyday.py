"""Everyday sentences of our own: patterns filled with words, for subjects that manuals and dictionaries lack.

The patterns are written so that two sentences of one subject mean similar things in different words; the
teacher says how similar.
"""

import random

PEOPLE = """my sister|my brother|our neighbour|the old man|a young woman|my grandmother|the children|my boss|a friend of mine
the teacher|her husband|his wife|the doctor|a tourist|our landlord|the nurse|my colleague|the boy next door|a student|my aunt
they|we|she|he|I|the whole family|a stranger|the shop assistant|the driver|my daughter|their son|the couple upstairs"""
WHEN = """yesterday|this morning|last weekend|every day|on Sunday|in the evening|before breakfast|after work|during the holidays
last summer|tomorrow|next week|at night|all afternoon|on rainy days|in winter|once a month|for the first time|again|twice a week"""
PLACES = """in the kitchen|at the station|in the garden|by the river|at school|in the office|on the beach|at the market|in town
near the park|in the living room|on the balcony|at the airport|in the supermarket|at home|in the mountains|on the bus
in the library|at the restaurant|in a small village|in the waiting room|by the fireplace|under the old tree|on the roof"""

# Subject: (things said of people), (statements), (questions and requests)
SUBJECTS = {
    "cooking": ("""baked a loaf of bread|burned the rice|roasted a chicken with garlic and lemon|made pancakes|cooked tomato soup
chopped onions and carrots|stirred the sauce slowly|forgot the salt|fried eggs with bacon|whipped the cream|kneaded the dough
boiled the potatoes|grated some cheese|prepared a salad|grilled fish|tried a new recipe|baked an apple pie|steamed the vegetables""",
"""The soup needs more salt|Bake the cake for forty minutes in a hot oven|The bread is fresh and still warm|Let the dough rise for an hour
Melt the butter in a pan|Simmer the beans on low heat until tender|The curry was far too spicy|Mix flour, sugar and eggs in a bowl
Season the meat with pepper and thyme|The pasta is overcooked|Drain the noodles and add the sauce|This stew tastes better the next day
Cut the peppers into thin strips|Leftovers keep in the fridge for three days|Sprinkle chopped parsley on top before serving""",
"""how long do I boil an egg|what can I cook with leftover chicken|how to keep rice from sticking|recipe for vegetable soup
what goes well with salmon|a quick dinner for two|how do I thicken a sauce|dessert without eggs|how to bake bread at home
which spices are used in curry|vegetarian lunch ideas|how to sharpen a kitchen knife"""),
    "pets": ("""fed the cat|walked the dog|took the puppy to the vet|brushed the rabbit|cleaned the fish tank|lost the parrot
played with the kitten|trained the dog to sit|found a stray cat|bought a hamster|rode a pony|watched the birds""",
"""A cat sleeps on the windowsill|The dog barks at the postman|The kitten chased a ball of wool|Our rabbit eats carrots and hay
The puppy chewed up a shoe|Two horses graze in the meadow|The goldfish swims in circles|A bird is singing in the tree
The old dog dozes by the fire|The cat caught a mouse|The hamster runs in its wheel all night|A spider built its web in the corner""",
"""how often should I feed my cat|why does my dog scratch so much|what do rabbits eat|how to train a puppy|a pet for small flats
my cat will not eat|how to get rid of fleas|can dogs eat chocolate"""),
    "travel": ("""missed the train|booked a hotel room|flew to Lisbon|rented a car|packed a suitcase|lost a passport|hiked up the mountain
took the ferry to the island|visited the museum|camped by the lake|bought a return ticket|waited for the delayed flight
drove along the coast|asked for directions|cycled through the valley|cancelled the trip|took photographs of the cathedral""",
"""The train leaves at half past seven|Our flight was delayed by two hours|The hotel is close to the beach|The tickets cannot be refunded
You need a visa to enter the country|The bus stops in front of the town hall|The road is closed because of snow|Breakfast is included in the price
The guided tour starts at noon|The ferry crosses the bay twice a day|Our luggage did not arrive|The youth hostel was full""",
"""how do I get to the airport|cheap flights to Rome|where can I park the car|what should I pack for a week at the sea
do I need a visa|when does the last bus leave|how to claim for a cancelled flight|best time to visit Norway
what to see in one day|lost luggage at the airport|is the train faster than the bus"""),
    "money": ("""paid the rent|opened a savings account|lost a wallet|borrowed money from the bank|returned the shoes|saved for a house
bought a used car|paid by credit card|filed a tax return|asked for a pay rise|sold the old sofa|compared the prices|cancelled a subscription
invested in shares|got a refund|split the bill|withdrew some cash|spent too much on clothes""",
"""The rent is due on the first of the month|Interest rates went up again|The bill includes value added tax|The shop gives a discount to students
Prices have risen by five percent|My salary is paid at the end of the month|The invoice must be paid within thirty days|The loan runs for ten years
The stock market fell sharply|A receipt is needed for the refund|The insurance covers damage by water|Petrol has become expensive""",
"""how can I save money|how do I dispute a charge on my card|what is a mortgage|how much tip should I leave|how to write an invoice
can I deduct travel costs from tax|how to cancel a subscription|monthly household budget|is my deposit safe|how do I lower my electricity bill"""),
    "health": ("""caught a cold|broke an arm|went to the dentist|slept badly|took the medicine|had a headache|sprained an ankle|quit smoking
got vaccinated|went for a run|lost some weight|washed the wound|called an ambulance|had a sore throat|ate too much|did yoga
drank plenty of water|stayed in bed with a fever|cut a finger with a knife|felt dizzy""",
"""Take one tablet three times a day|Regular exercise keeps the heart healthy|The fever went down overnight|She is allergic to nuts
Too much sun burns the skin|The dentist pulled a tooth|Eating vegetables is good for you|His back hurts after sitting all day
The wound has to be kept clean and dry|The flu is going around at school|Drink enough when it is hot|Lack of sleep makes people irritable""",
"""what helps against a headache|how to treat a burn|when should I see a doctor|how to fall asleep faster|remedies for a cough
symptoms of the flu|is this mole dangerous|exercises for back pain|how much water should I drink|how to stop a nosebleed"""),
    "home": ("""fixed the tap|painted the bedroom|hung a picture on the wall|changed the light bulb|cleaned the windows|unblocked the sink
assembled the shelf|washed the curtains|swept the floor|replaced the lock|moved into a new flat|ironed the shirts|vacuumed the carpet
lost the keys|repaired the roof|mended the fence|did the laundry|took out the rubbish|locked the door""",
"""The tap in the bathroom drips|The heating does not work|There is mould on the wall|The washing machine leaks|The sofa does not fit through the door
The stairs creak at night|The lamp flickers|The smoke alarm needs a new battery|The floor was laid with oak boards|The chimney has to be swept
Dust gathers under the bed|The fridge hums loudly|The neighbours are noisy|The window will not close""",
"""how do I fix a leaking tap|how to get rid of mould|how to remove a wine stain|why is my radiator cold|who repairs washing machines
how to hang a heavy mirror|paint for damp walls|how do I unblock a drain|the light switch does not work|how to save heat in winter"""),
    "garden": ("""planted tulips|watered the tomatoes|mowed the lawn|pruned the roses|pulled up weeds|picked apples|dug a pond|raked the leaves
sowed carrots|built a greenhouse|fed the birds|cut the hedge|harvested potatoes|planted a cherry tree|spread compost on the beds""",
"""The roses bloom in June|The tomatoes need plenty of sun|Snails ate the lettuce|The apple tree bears fruit every other year|Frost killed the young plants
Bees pollinate the blossoms|Water the seedlings in the evening|The grass is too high|Herbs grow well in pots|Dead leaves protect the soil""",
"""when should I plant potatoes|how to keep snails away|why are the leaves turning yellow|how often do I water a cactus|plants for shady corners
how to prune an apple tree|what grows on a north balcony|how to make compost"""),
    "work": ("""wrote a report|missed the deadline|attended a meeting|applied for a job|hired an assistant|quit the job|gave a presentation
answered the letters|signed the contract|worked late|trained the new staff|went on strike|called the customer|planned the project
retired early|asked for a day off|interviewed three candidates|sent the offer""",
"""The meeting was moved to Thursday|The deadline is on Friday|The contract ends in December|The factory closed last year|Applications are accepted until May
The team works from home twice a week|Sales have doubled since spring|The customer complained about the delay|The printer on the second floor is broken
Overtime is paid at a higher rate|The new manager starts on Monday|Three people were dismissed""",
"""how do I write an application|what to wear for an interview|how many days of leave do I have|how to run a good meeting|notice period for employees
how do I ask for a raise|out of office reply|who is responsible for the budget|minutes of the last meeting"""),
    "school": ("""passed the exam|did the homework|learned a poem by heart|forgot the book|explained the rule|read a novel|wrote an essay
drew a map|solved the equation|skipped a lesson|studied chemistry|failed the test|borrowed a book|visited the planetarium|learned to swim""",
"""The lesson starts at eight|Pupils learn to read in the first year|The exam was harder than expected|The library lends books for four weeks
Water boils at one hundred degrees|The earth turns around the sun|The university was founded long ago|The teacher praised her drawing
History is his favourite subject|The class goes on a trip to the zoo""",
"""how do plants make food|why is the sky blue|how to learn words faster|who invented the telephone|what is the capital of Australia
how do volcanoes erupt|what causes the tides|how to prepare for an exam|how far away is the moon"""),
    "weather": ("""got wet in the rain|slipped on the ice|built a snowman|sheltered from the storm|flew a kite|watched the sunset|scraped the windscreen
forgot the umbrella|enjoyed the sunshine|shovelled snow|counted the stars|waited for the fog to lift""",
"""It has been raining all day|Snow is expected in the mountains|A storm uprooted several trees|The sun came out after lunch|Thick fog covers the valley
The river flooded the meadows|It is freezing outside|The heat wave lasted two weeks|Dark clouds gather in the west|A cool breeze blows from the sea
Lightning struck the church tower|The roads are icy this morning""",
"""will it rain tomorrow|how cold does it get in winter|do I need an umbrella|is it safe to swim during a thunderstorm|weather forecast for the weekend
why does it thunder"""),
    "sport": ("""scored a goal|won the race|lost the match|swam across the lake|climbed a cliff|played chess|ran a marathon|learned to ski
trained hard|broke the record|rode a bicycle|sailed around the island|joined a football club|went fishing|danced until midnight""",
"""The home team won by two goals|The match was stopped because of rain|Swimming trains the whole body|The referee showed a red card
The cyclists crossed the finish line|The champion defended her title|The gym opens at six|He lifts weights|The trail is steep and stony""",
"""how do I start running|rules of badminton|how to choose skis|who won the world cup|how to improve my swimming|stretching after training"""),
    "music": ("""played the piano|sang in a choir|tuned the guitar|went to a concert|watched a film|painted a portrait|read a detective story
learned the violin|visited an exhibition|wrote a song|danced a waltz|took a photograph|told a joke|listened to the radio|carved a bowl""",
"""The concert is sold out|The orchestra plays a symphony|The film was boring|The novel is about a lonely sailor|The painting hangs in the museum
The guitar has six strings|The actors bowed and the audience clapped|The band is on tour|The choir rehearses on Mondays""",
"""how do I learn the guitar|a good book for a long journey|films for children|how to tune a violin|who painted this picture|tickets for the opera"""),
    "computers": ("""reset the password|lost all the photos|installed an update|bought a laptop|backed up the files|spilled coffee on the keyboard
deleted the wrong folder|joined a video call|printed the document|scanned a letter|blocked the caller|charged the phone
changed the settings|forgot the login|sent the mail to the wrong person|connected the headphones""",
"""The screen stays black|The battery lasts only an hour|The printer is out of paper|The website is down|The computer is very slow
The wireless network is protected by a password|Your message could not be delivered|The file is too big to send|The program crashed without warning
Restart the device to finish the update|The microphone is muted|There is not enough space on the disk""",
"""how do I reset my password|why is my computer so slow|how to transfer photos from my phone|the sound does not work|how to block unwanted mail
my screen is frozen|how do I connect to the internet|recover a deleted file|how to make a backup|is this message a fraud
turn off notifications|how do I take a picture of the screen"""),
    "law": ("""called the police|signed the lease|witnessed an accident|reported a theft|got a parking fine|voted in the election|wrote a will
appealed the decision|renewed the passport|registered the car|moved abroad|got married|made a complaint|found a purse""",
"""The tenant must give three months' notice|The thief escaped through the window|The court ruled in favour of the buyer|Smoking is forbidden here
The parliament passed a new law|The mayor opened the bridge|The fine must be paid within two weeks|The accident happened at the crossing
Two witnesses saw the burglar|The police closed the street""",
"""how do I renew my passport|can my landlord raise the rent|what to do after a car accident|how to write a will|where do I register a birth
how to report a stolen bicycle|am I allowed to record a call|how do I change my name"""),
    "family": ("""had a baby|got engaged|celebrated a birthday|wrapped the presents|put the baby to bed|visited the grandparents|argued about money
met at a wedding|told a bedtime story|adopted a child|wrote a letter|invited the neighbours|apologised|kept a secret|laughed at the joke
cried at the funeral|hugged the child|wrote a birthday card""",
"""The baby cried all night|They have been married for thirty years|The twins look exactly alike|The party was a surprise|She misses her parents
The children are playing hide and seek|Grandfather told stories of the war|He is proud of his daughter|The guests stayed until midnight
They broke up last spring|I am sorry that I shouted|Everyone was happy to see her again""",
"""present for a ten year old|what to write on a wedding card|how do I calm a crying baby|games for a birthday party|how to make new friends
how to say sorry|my teenager does not talk to me"""),
    "cars": ("""changed a tyre|ran out of petrol|crashed into a tree|passed the driving test|repaired the bicycle|filled up the tank|parked in the yard
drove too fast|took a taxi|braked hard|washed the car|pushed the car|checked the oil|missed the exit""",
"""The engine will not start|The brakes squeal|The tyre is flat|The traffic is heavy in the morning|The electric car charges overnight
The bridge is closed to lorries|The bicycle has no lights|The lorry blocked the road|The car needs new oil|The speed limit is fifty""",
"""why does my car not start|how to change a flat tyre|how often should the oil be changed|which fuel does it need|child seat in the front
how do I mend a puncture|can I charge the car at home"""),
}
FRAMES = ["{q}", "{q}?", "Can you tell me {q}?", "I would like to know {q}", "question: {q}", "{q} please"]


def words(text):
    return [w.strip() for line in text.split("\n") for w in line.split("|") if w.strip()]


def capital(text):
    return text[:1].upper() + text[1:]


def sentence(rng, deeds, statements):
    """One sentence: a deed by somebody, a statement, or two of them."""
    roll = rng.random()
    if roll < 0.75:
        parts = [rng.choice(words(PEOPLE)), rng.choice(deeds)]
        parts += [rng.choice(words(PLACES))] if rng.random() < 0.4 else []
        parts += [rng.choice(words(WHEN))] if rng.random() < 0.5 else []
        text = capital(" ".join(parts))
        if rng.random() < 0.15:
            text += f" and {rng.choice(deeds)}"
        return text + rng.choice([".", ".", ""])
    if roll < 0.9:
        return f"{rng.choice(statements)}{rng.choice(['.', '', ', they said.', ' ' + rng.choice(words(WHEN)) + '.'])}"
    return f"{rng.choice(statements)}. {rng.choice(statements)}."


def everyday(_root, _pattern, seed=7, a_subject=2500):
    """(document, kind, text), the subject being the document."""
    rng = random.Random(seed)
    for subject, lists in SUBJECTS.items():
        deeds, statements, questions = map(words, lists)
        for statement in statements + questions:
            yield subject, "short", statement
        for number in range(a_subject):
            if number % 10 == 9:
                question = rng.choice(questions)
                yield subject, "short", rng.choice(FRAMES).format(q=question)
            else:
                yield subject, "short", sentence(rng, deeds, statements)
