"""element: markup as values; text is escaped when it is written and cannot be forgotten."""

from dataclasses import dataclass
from html import escape

VOID = frozenset({"meta", "link", "br", "hr", "img"})
FORBIDDEN = (*range(9), 11, 12, *range(14, 32), 65534, 65535, *range(55296, 57344))
DIRECTION = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))  # they would turn the text around them, too
REPLACED = dict.fromkeys((*FORBIDDEN, *DIRECTION), "\N{REPLACEMENT CHARACTER}")


@dataclass(frozen=True)
class Element:
    """One element.

    Args:
        name: of the element.
        attributes: names and values in order.
        children: elements, and text that is not yet escaped.
    """

    name: str
    attributes: tuple[tuple[str, str], ...]
    children: "tuple[Element | str, ...]"

    def __str__(self) -> str:
        opened = self.name + "".join(f' {name}="{text(value)}"' for name, value in self.attributes)
        if self.name in VOID:
            return f"<{opened}/>"
        return (
            f"<{opened}>{''.join(str(c) if isinstance(c, Element) else text(c) for c in self.children)}</{self.name}>"
        )


def text(value: str) -> str:
    """Escape text for content and attributes alike; characters that XML forbids or that turn text are replaced."""
    return escape(value.translate(REPLACED), quote=True)


def tag(name: str, /, *children: "Element | str | None", **attributes: "str | float | None") -> Element:
    """Return an element; `_` in attribute names stands for `-`, and None is left out.

    >>> str(tag("text", "a < b", text_anchor="end", x=1.0))
    '<text text-anchor="end" x="1">a &lt; b</text>'
    """
    given = tuple((n.rstrip("_").replace("_", "-"), number(v)) for n, v in attributes.items() if v is not None)
    return Element(name, given, tuple(c for c in children if c is not None))


def number(value: "str | float") -> str:
    """Return an attribute's value as text, numbers with at most two decimals."""
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
