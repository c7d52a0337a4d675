"""element: HTML and SVG elements as values; all text is escaped when an element is written."""

from dataclasses import dataclass
from html import escape

VOID = frozenset({"meta", "link", "br", "hr", "img"})
NOT_XML = (*range(9), 11, 12, *range(14, 32), 65534, 65535, *range(55296, 57344))  # XML 1.0, section 2.2
BIDI = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))  # direction controls also reverse the text around them
REPLACED = dict.fromkeys((*NOT_XML, *BIDI), "\N{REPLACEMENT CHARACTER}")


@dataclass(frozen=True)
class Element:
    """One element.

    Args:
        name: of the element.
        attributes: names and values in order.
        children: elements, and text before escaping.
    """

    name: str
    attributes: tuple[tuple[str, str], ...]
    children: "tuple[Element | str, ...]"

    def __str__(self) -> str:
        start = self.name + "".join(f' {name}="{escaped(value)}"' for name, value in self.attributes)
        if self.name in VOID:
            return f"<{start}/>"
        content = "".join(str(c) if isinstance(c, Element) else escaped(c) for c in self.children)
        return f"<{start}>{content}</{self.name}>"


def escaped(value: str) -> str:
    """Return text escaped for content and attributes; characters that XML forbids, and bidi controls, are replaced."""
    return escape(value.translate(REPLACED), quote=True)


def tag(name: str, /, *children: "Element | str | None", **attributes: "str | float | None") -> Element:
    """Return an element; `_` in attribute names stands for `-`, and None is left out.

    >>> str(tag("text", "a < b", text_anchor="end", x=1.0))
    '<text text-anchor="end" x="1">a &lt; b</text>'
    """
    pairs = tuple((n.rstrip("_").replace("_", "-"), number(v)) for n, v in attributes.items() if v is not None)
    return Element(name, pairs, tuple(c for c in children if c is not None))


def number(value: "str | float") -> str:
    """Return an attribute's value as text, numbers with at most two decimals."""
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
