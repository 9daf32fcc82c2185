"""Random regular expressions that PostgreSQL takes and that need no back reference and no look-around."""

# No blank: with the flag x it would not count, and a quantifier behind it would have nothing before it.
LETTERS = "aabbcAéßx7_"
CLASSES = (r"\w", r"\d", r"\s", r"\W", r"\D", r"\S", "[[:alpha:]]", "[^[:alnum:]]", "[[:upper:]]", "[[:space:][:digit:]]", "[ab]", "[^a]",
           "[a-cé]", "[^b-z]", "[]a]", "[a-]", ".", "[[:punct:]]", r"[\w-]", "[[.a.]b]", "[[=a=]]")
PLACES = ("^", "$", r"\m", r"\M", r"\y", r"\Y", r"\A", r"\Z", "[[:<:]]", "[[:>:]]")
REPEATS = ("*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,}", "{0,1}?", "{2,}?", "{0}")
OPTIONS = ("(?i)", "(?n)", "(?p)", "(?w)", "(?s)", "(?x)", "(?in)")
FLAGS = ("", "g", "i", "gi", "gn", "gp", "gw", "n", "gs", "gx", "c")
REPLACEMENTS = (r"<\1\&>", r"[\&]", r"\2\1", "-", "", r"\\", r"\0", r"é\3")


def pattern(chance):
    """A pattern of the advanced syntax."""
    made = _branches(chance, chance.randrange(1, 4))
    return (chance.choice(OPTIONS) if chance.random() < 0.15 else "") + made


def _branches(chance, depth):
    return "|".join(_branch(chance, depth) for _ in range(chance.choice((1, 1, 1, 2, 3))))


def _branch(chance, depth):
    return "".join(_piece(chance, depth) for _ in range(chance.choice((0, 1, 1, 2, 3))))


def _piece(chance, depth):
    kind = chance.random()
    if kind < 0.12:
        return chance.choice(PLACES)
    if kind < 0.35 and depth > 0:
        atom = chance.choice(("({})", "({})", "(?:{})")).format(_branches(chance, depth - 1))
    elif kind < 0.6:
        atom = chance.choice(CLASSES)
    else:
        atom = chance.choice(LETTERS)
    return atom + (chance.choice(REPEATS) if chance.random() < 0.4 else "")


def flags(chance):
    return chance.choice(FLAGS)


def replacement(chance):
    return chance.choice(REPLACEMENTS)
