/** The things shown in the zoo data sets: their names, emoji and icon names, read by render.ts and by model training. */

export interface ConceptRow {
  /** Label, singular; as COCO has it where COCO has it. */
  readonly name: string;
  readonly emoji: string;
  readonly group: "animal" | "vehicle" | "food" | "nature" | "object" | "place";
  /** Name in fxemoji, which has no table of characters; absent where it does not draw the thing. */
  readonly fxemoji?: string;
  /** Name in noto-v1 where it differs from noto's; null where its picture shows something else. */
  readonly notoV1?: string | null;
  /** A class of the composed scenes (`quickstart`). */
  readonly quickstart?: true;
  /** Set where adding "s" does not give the plural. */
  readonly plural?: string;
  /** "some" for things said without a number. */
  readonly article?: "some";
  /** Mirroring would look wrong: letters, a dial, a driver's side. */
  readonly noFlip?: true;
}

/** One line a concept: name | emoji | fxemoji name or "-" | options. */
const table = {
  animal: `
    dog|🐕|dogside|q
    cat|🐈|catside|q
    horse|🐎|horse|q
    cow|🐄|cow|q
    sheep|🐑|sheep|q plural=sheep
    pig|🐖|pigside|q
    elephant|🐘|elephant|q
    bear|🐻|bear|q v1=bear
    bird|🐦|-|q
    fish|🐟|fish|q plural=fish
    mouse|🐭|mouse|plural=mice
    rabbit|🐰|bunny|
    fox|🦊|-|v1=fox-face plural=foxes
    panda|🐼|pandaface|
    koala|🐨|koala|
    tiger|🐯|tiger|
    lion|🦁|-|v1=lion-face
    frog|🐸|frog|
    monkey|🐵|monkeyface|
    chicken|🐔|chicken|
    penguin|🐧|penguin|
    duck|🦆|-|
    owl|🦉|-|
    unicorn|🦄|-|v1=unicorn-face
    bee|🐝|honeybee|
    butterfly|🦋|-|plural=butterflies
    snail|🐌|snail|
    ladybug|🐞|ladybeetle|
    spider|🕷️|spider|
    turtle|🐢|turtle|
    snake|🐍|snake|
    octopus|🐙|octopus|plural=octopuses
    crab|🦀|-|
    dolphin|🐬|dolphin|
    whale|🐳|whale|
    shark|🦈|-|
    crocodile|🐊|crocodile|
    camel|🐪|dromedarycamel|
    deer|🦌|-|plural=deer
    squirrel|🐿️|chipmunk|
    giraffe|🦒|-|
    zebra|🦓|-|`,
  vehicle: `
    car|🚗|automobile|q
    bus|🚌|bus|q plural=buses noflip
    train|🚂|steamlocomotive|q
    airplane|✈️|airplane|q
    boat|⛵|-|q
    bicycle|🚲|bicycle|q
    motorcycle|🏍️|motorcycle|q
    truck|🚚|deliverytruck|q
    fire truck|🚒|fireengine|
    tractor|🚜|tractor|
    helicopter|🚁|helicopter|
    rocket|🚀|rocket|
    skateboard|🛹|-|`,
  food: `
    apple|🍎|redapple|q
    banana|🍌|banana|q
    orange|🍊|tangerine|q
    carrot|🥕|-|q
    pizza|🍕|sliceofpizza|q
    donut|🍩|doughnut|q
    cake|🎂|birthdaycake|q
    pear|🍐|pear|
    lemon|🍋|lemon|
    watermelon|🍉|watermelon|
    grapes|🍇|grapes|plural=grapes article=some
    strawberry|🍓|strawberry|plural=strawberries
    cherries|🍒|cherries|plural=cherries article=some
    pineapple|🍍|pineapple|
    eggplant|🍆|aubergine|
    avocado|🥑|-|
    broccoli|🥦|-|article=some plural=broccoli
    corn|🌽|earofmaize|article=some plural=corn
    mushroom|🍄|mushroom|
    bread|🍞|bread|article=some plural=bread
    croissant|🥐|-|
    cheese|🧀|-|article=some plural=cheese
    hamburger|🍔|hamburger|
    french fries|🍟|frenchfries|article=some plural=french fries
    hot dog|🌭|-|
    taco|🌮|-|
    sandwich|🥪|-|plural=sandwiches
    ice cream|🍦|softicecream|article=some plural=ice creams
    cookie|🍪|cookie|
    beer|🍺|beermug|
    wine glass|🍷|wineglass|plural=wine glasses`,
  nature: `
    tree|🌳|deciduoustree|q
    flower|🌼|blossom|q
    cactus|🌵|cactus|plural=cacti
    christmas tree|🎄|christmastree|
    palm tree|🌴|palmtree|
    clover|🍀|fourleafclover|
    rose|🌹|rose|
    sunflower|🌻|sunflower|
    maple leaf|🍁|mapleleaf|plural=maple leaves
    sun|☀️|sunrays|
    moon|🌙|crescentmoon|noflip
    star|⭐|star|
    cloud|☁️|cloud|
    rainbow|🌈|-|
    snowflake|❄️|snowflake|
    snowman|⛄|snowmanwithoutsnow|plural=snowmen
    fire|🔥|fire|
    earth|🌍|europeafricaglobe|noflip`,
  object: `
    cup|☕|hotbeverage|q
    clock|⏰|alarmclock|q noflip
    book|📖|openbook|q noflip
    chair|🪑|-|q
    laptop|💻|-|q noflip v1=-
    phone|📱|cellphone|q noflip
    umbrella|☂️|umbrellawithraindrops|q
    ball|⚽|soccerball|q
    guitar|🎸|guitar|q
    traffic light|🚦|verticaltrafficlight|q
    kite|🪁|-|q
    scissors|✂️|blackscissors|q plural=scissors article=some
    football|🏈|americanfootball|
    drum|🥁|-|
    piano|🎹|musicalkeyboard|
    trumpet|🎺|trumpet|
    microphone|🎤|microphone|
    headphones|🎧|headphone|plural=headphones article=some
    camera|📷|camera|
    television|📺|television|
    light bulb|💡|lightbulb|
    key|🔑|key|
    lock|🔒|lock|
    hammer|🔨|hammer|
    diamond|💎|gem|
    gift|🎁|present|
    balloon|🎈|balloon|
    crown|👑|crown|
    top hat|🎩|tophat|
    shoe|👟|mensrunner|
    high heel|👠|heels|
    glasses|👓|glasses|plural=glasses article=some
    backpack|🎒|schoolsatchel|
    handbag|👜|handbag|
    watch|⌚|watch|plural=watches
    bed|🛏️|-|
    couch|🛋️|-|plural=couches
    door|🚪|door|
    toilet|🚽|toilet|
    teddy bear|🧸|-|
    dice|🎲|-|plural=dice
    trophy|🏆|trophy|plural=trophies
    anchor|⚓|anchor|
    pencil|✏️|pencil|
    bell|🔔|bell|
    microscope|🔬|microscope|
    knife|🔪|hocho|plural=knives
    stop sign|🛑|-|v1=stop-sign noflip
    skull|💀|skull|
    ghost|👻|ghost|
    robot|🤖|-|
    heart|❤️|redheart|`,
  place: `
    house|🏠|housebuilding|q
    castle|🏰|europeancastle|
    tent|⛺|-|
    ferris wheel|🎡|-|`,
} as const satisfies Record<ConceptRow["group"], string>;

function parseRow(group: ConceptRow["group"], line: string): ConceptRow {
  const [name = "", emoji = "", fxemoji = "-", options = ""] = line.split("|").map((part) => part.trim());
  const value = (key: string): string | undefined =>
    new RegExp(`(?:^| )${key}=(.*?)(?= (?:q|noflip|\\w+=)|$)`).exec(options)?.[1];
  const flag = (key: string): boolean => options.split(" ").includes(key);
  const notoV1 = value("v1");
  const plural = value("plural");
  return {
    name,
    emoji,
    group,
    ...(fxemoji === "-" ? {} : { fxemoji }),
    ...(notoV1 === undefined ? {} : { notoV1: notoV1 === "-" ? null : notoV1 }),
    ...(flag("q") ? { quickstart: true as const } : {}),
    ...(plural === undefined ? {} : { plural }),
    ...(value("article") === "some" ? { article: "some" as const } : {}),
    ...(flag("noflip") ? { noFlip: true as const } : {}),
  };
}

/** All concepts, in the order of the table. */
export const concepts: readonly ConceptRow[] = Object.entries(table).flatMap(([group, lines]) =>
  lines
    .trim()
    .split("\n")
    .map((line) => parseRow(group as ConceptRow["group"], line)),
);
