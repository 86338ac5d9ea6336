"""CLDR names and keywords of every language, and which emoji count as concepts."""

import json
import unicodedata

# The languages of Crossmodal-3600, by their CLDR locale.
XM3600 = ("ar bn cs da de el en es fa fi fil fr hi hr hu id it he ja ko mi nl no pl pt qu ro ru sv sw te th tr uk vi "
          "zh").split()

# What people put around a name when they type it, in the languages where that is common.
FRAMES = {
    "en": ("a {}", "an {}", "the {}", "my {}", "{} emoji", "a picture of a {}"),
    "de": ("ein {}", "eine {}", "der {}", "die {}", "das {}"), "fr": ("un {}", "une {}", "le {}", "la {}"),
    "es": ("un {}", "una {}", "el {}", "la {}"), "it": ("un {}", "una {}", "il {}", "la {}"),
    "pt": ("um {}", "uma {}", "o {}", "a {}"), "nl": ("een {}", "de {}", "het {}"), "sv": ("en {}", "ett {}"),
    "da": ("en {}", "et {}"), "no": ("en {}", "et {}", "ei {}"), "hu": ("egy {}", "a {}"), "ro": ("un {}", "o {}"),
}

_SKIN = range(0x1F3FB, 0x1F400)


def key(emoji):
    """The one form in which this trainer names an emoji: hexadecimal code points without variation selectors."""
    return "-".join(f"{ord(c):x}" for c in emoji if c not in "\ufe0e\ufe0f")


def is_skin_toned(name):
    """Whether the key `name` holds a skin tone on top of something else."""
    parts = name.split("-")
    return len(parts) > 1 and any(int(p, 16) in _SKIN for p in parts)


def is_flag(name):
    """Whether the key is a national or regional flag."""
    parts = [int(p, 16) for p in name.split("-")]
    return 0x1F1E6 <= parts[0] <= 0x1F1FF or (parts[0] == 0x1F3F4 and len(parts) > 4)


def _read(path, field):
    entries = json.load(open(path, encoding="utf-8")).get(field, {}).get("annotations", {})
    return {key(emoji): (value.get("tts", [None])[0], value.get("default", [])) for emoji, value in entries.items()}


def load(base_dir, derived_dir):
    """Reads all locales.

    Returns {locale: {key: (name or None, [keywords])}} of the base annotations, and the same of the derived ones.
    """
    base = {p.parent.name: _read(p, "annotations") for p in sorted(base_dir.glob("annotations/*/annotations.json"))}
    derived = {p.parent.name: _read(p, "annotationsDerived")
               for p in sorted(derived_dir.glob("annotationsDerived/*/annotations.json"))}
    return base, derived


def normalize(text):
    """The form in which two names are compared: NFC, lower-cased, trimmed."""
    return unicodedata.normalize("NFC", text).lower().strip()


def tokenizer_corpus(base, derived):
    """(text, weight) pairs for pruning the vocabulary: names above keywords, Crossmodal languages above others."""
    for locale, table in list(base.items()) + list(derived.items()):
        important = locale in XM3600
        for name, (tts, keywords) in table.items():
            if is_skin_toned(name):
                continue
            if tts:
                yield tts, 8 if important else 3
            for word in keywords:
                yield word, 3 if important else 1
