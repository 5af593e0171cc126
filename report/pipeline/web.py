"""What the HTML report holds within itself: figures as inline SVG that follow its theme, and its mathematics' font."""

import base64
import html
import importlib.util
import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path

from lib.command import InputError

# The colours that stand for the reader's own text and page colour: INK and FACE of report.style.
THEME = {"#1b1e22": "currentColor", "#fffffe": "var(--page)"}
SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
MATH = re.compile(r"<math.*?</math>", re.DOTALL)


def inline_svg(svg: str, label: str, alt: str) -> str:
    """A figure as an <svg> element of the page: named by its alt text, in the theme's colours, its ids its own."""
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", XLINK)
    root = ET.fromstring(svg)  # nosec B314 # our own figure
    drop(root, "metadata", "style", "script")
    for element in root.iter():
        for key, value in element.attrib.items():
            element.set(key, adapt(key, value, label))
    root.attrib.pop("version", None)
    # matplotlib gives the joins in a style sheet for "*", which would reach the whole page.
    root.set("style", "fill: currentColor; stroke-linejoin: round; stroke-linecap: butt")
    root.set("role", "img")
    root.set("aria-label", alt)
    return ET.tostring(root, encoding="unicode")


def drop(root: ET.Element, *names: str) -> None:
    """Remove the elements of these names, wherever they are."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {f"{{{SVG}}}{name}" for name in names}:
                parent.remove(child)


def adapt(key: str, value: str, label: str) -> str:
    """An attribute's value in the theme's colours, with `label` before each id: figures share a page, not ids."""
    if key == "id":
        return f"{label}.{value}"
    if key in ("href", f"{{{XLINK}}}href"):
        return f"#{label}.{value[1:]}" if value.startswith("#") else value
    value = re.sub(r"url\(#(.*?)\)", rf"url(#{label}.\1)", value)
    for stand_in, colour in THEME.items():
        value = re.sub(stand_in, colour, value, flags=re.IGNORECASE)
    return value


def size(svg: str) -> tuple[float, float]:
    """Width and height of a figure in points, as matplotlib gives them."""
    root = ET.fromstring(svg)  # nosec B314 # our own figure
    width, height = (float(re.sub(r"pt$", "", root.attrib[key])) for key in ("width", "height"))
    return width, height


def math_font(page: str) -> str:
    """STIX Two Math, cut down to the characters of the page's MathML, as a data address: it looks alike everywhere.

    The font comes with the ziamath package; its licence, the SIL Open Font License, stays in the font's own name table.
    """
    from fontTools import subset

    package = importlib.util.find_spec("ziamath")  # found, not imported, which would take half a second
    if not package or not package.origin:
        raise InputError("the package ziamath is not installed; `make report` installs it")
    options = subset.Options(
        flavor="woff", layout_features=["ssty", "dtls", "flac", "kern", "ccmp"], name_IDs=[0, 1, 2, 13, 14]
    )
    font = subset.load_font(str(Path(package.origin).parent / "fonts/STIXTwoMath-Regular.ttf"), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text="".join(sorted(math_characters(page))))
    subsetter.subset(font)
    buffer = io.BytesIO()
    subset.save_font(font, buffer, options)
    return "data:font/woff;base64," + base64.b64encode(buffer.getvalue()).decode()


def math_characters(page: str) -> set[str]:
    """The characters of the page's MathML, and the italic forms that a browser gives to single letters."""
    plain = {
        c
        for math in MATH.findall(page)
        for c in html.unescape(re.sub(r"<annotation.*?</annotation>|<[^>]+>", "", math))
    }
    return plain | {italic(c) for c in plain} | set("ϵ∂∇")


def tidy_math(page: str) -> str:
    """The page with MathML as the PDF sets it: \\mathbf upright, which pandoc slants, and a thin space after log."""

    def upright(match: re.Match[str]) -> str:
        return f"<mi>{chr(ord(match[1]) - 0x68)}</mi>"  # the bold letters come this much before the bold italic ones

    page = re.sub(r'<mi mathvariant="bold-italic">([\U0001D468-\U0001D49B])</mi>', upright, page)
    applied = "<mo>&#8289;</mo>"  # the function named before it is applied; a bracket follows without a space
    return re.sub(rf"{applied}</mrow>(?!<mo[^>]*>\()", f'{applied}<mspace width="0.17em"></mspace></mrow>', page)


def italic(c: str) -> str:
    """A letter's mathematical italic form."""
    for first, last, start in (("a", "z", 0x1D44E), ("A", "Z", 0x1D434), ("α", "ω", 0x1D6FC), ("Α", "Ω", 0x1D6E2)):
        if first <= c <= last:
            return "ℎ" if c == "h" else chr(start + ord(c) - ord(first))
    return c
