"""Writes the files of the conformance table, their right pictures and manifest.json.

    pip install -r requirements.txt
    python write_table.py OUT [--small DIR] [--only THEME...]

Themes are the modules below. Needs the tools that table.TOOLS names. OUT is made
anew, and so is DIR, which gets the part that every test reads.
"""

import argparse
import importlib

from table import Table, need_tools

THEMES = (
    "formats_jpeg",
    "defects_jpeg",
    "formats_png",
    "defects_png",
    "formats_tiff",
    "depths_tiff",
    "defects_tiff",
    "formats_heif",
    "formats_older",
    "formats_color",
    "formats_turn",
    "formats_rare",
    "not_pictures",
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--small")
    parser.add_argument("--only", nargs="+", choices=THEMES, default=THEMES)
    options = parser.parse_args()
    need_tools()
    table = Table(options.out)
    for theme in options.only:
        importlib.import_module(theme).kinds(table)
    table.finish()
    if options.small:
        table.part(options.small)


main()
