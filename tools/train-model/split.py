"""Fixes, before any training, which styles, concepts, scenes and words are trained on and which are only for judging."""

import hashlib

# Art that the weights are trained on: npm package -> licence.
TRAIN_STYLES = {
    "noto": "Apache-2.0",
    "noto-v1": "Apache-2.0",
    "fxemoji": "Apache-2.0",
    "fluent-emoji-flat": "MIT",
}
# Never trained on. Twemoji chooses between runs and checkpoints; the two others are only reported.
VALIDATION_STYLE = "twemoji"
TEST_STYLE = "emojione-v1"
EXTRA_STYLE = "openmoji"

# One concept in eleven is left out of training in every style, so that unseen concepts can be reported too.
HELD_OUT_ONE_IN = 11

# Training scenes draw from numpy generators seeded below this number; evaluation scenes from it on.
FIRST_EVALUATION_SEED = 1_000_000

# Classes of the scenes. Each name is a prompt ("a photo of a dog") and lists the emoji that show it, the zoo's own first.
SCENE_CLASSES = {
    "dog": "🐕🐶🐩", "cat": "🐈🐱", "horse": "🐎🐴", "cow": "🐄🐮", "sheep": "🐑", "pig": "🐖🐷",
    "elephant": "🐘", "bear": "🐻", "bird": "🐦", "fish": "🐟🐠", "car": "🚗🚙", "bus": "🚌🚍",
    "train": "🚂🚆", "airplane": "✈", "boat": "⛵🚤", "bicycle": "🚲", "motorcycle": "🏍", "truck": "🚚🚛",
    "tree": "🌳🌲", "flower": "🌼🌻🌷", "apple": "🍎🍏", "banana": "🍌", "orange": "🍊", "carrot": "🥕",
    "pizza": "🍕", "donut": "🍩", "cake": "🎂🍰", "cup": "☕", "clock": "⏰🕐", "book": "📖📕",
    "chair": "🪑💺", "laptop": "💻", "phone": "📱", "umbrella": "☂☔", "ball": "⚽🏀", "guitar": "🎸",
    "house": "🏠🏡", "traffic light": "🚦🚥", "kite": "🪁", "scissors": "✂",
}

# Things of the package's own `emoji` data set: never held out; those with a plainer name than their label get it too.
DEMONSTRATED = (
    "🐭🐰🦊🐼🐨🐯🦁🐸🐵🐔🐧🦆🦉🦄🐝🦋🐌🐞🕷🐢🐍🐙🦀🐬🐳🦈🐊🐪🦌🐿🦒🦓🚒🚜🚁🚀🛹🍐🍋🍉🍇🍓🍒🍍🍆🥑🥦🌽🍄🍞🥐🧀🍔🍟🌭🌮🥪🍦🍪🍺🍷"
    "🌵🎄🌴🍀🌹🍁☀🌙⭐☁🌈❄⛄🔥🌍🏈🥁🎹🎺🎤🎧📷📺💡🔑🔒🔨💎🎁🎈👑🎩👟👠👓🎒👜⌚⚓"
)
OTHER_NAMES = {
    "mouse": "🐭", "rabbit": "🐰", "tiger": "🐯", "monkey": "🐵", "bee": "🐝", "ladybug": "🐞", "whale": "🐳", "squirrel": "🐿",
    "fire truck": "🚒", "corn": "🌽", "cheese": "🧀", "ice cream": "🍦", "beer": "🍺", "clover": "🍀", "moon": "🌙", "snowman": "⛄",
    "earth": "🌍", "football": "🏈", "piano": "🎹", "headphones": "🎧", "lock": "🔒", "diamond": "💎", "gift": "🎁", "shoe": "👟",
    "high heel": "👠", "couch": "🛋", "dice": "🎲", "knife": "🔪", "heart": "❤",
}


def plain_hexcode(hexcode: str) -> str:
    """Upper-case code points joined by '-', without the variation selector FE0F."""
    return "-".join(part for part in hexcode.upper().split("-") if part != "FE0F")


def emoji_hexcode(character: str) -> str:
    """The hexcode of one emoji character."""
    return plain_hexcode("-".join(f"{ord(part):04X}" for part in character))


SCENE_HEXCODES = {name: [emoji_hexcode(c) for c in characters] for name, characters in SCENE_CLASSES.items()}
_PROTECTED = {code for codes in SCENE_HEXCODES.values() for code in codes}
_PROTECTED |= {emoji_hexcode(c) for c in [*DEMONSTRATED, *OTHER_NAMES.values()]}


def held_out(hexcode: str) -> bool:
    """Whether a concept is kept out of training; concepts of the scene classes and of the `emoji` data set never are."""
    code = plain_hexcode(hexcode)
    if code in _PROTECTED:
        return False
    return int(hashlib.sha256(code.encode()).hexdigest(), 16) % HELD_OUT_ONE_IN == 0
