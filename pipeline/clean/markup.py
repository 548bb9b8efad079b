"""HTML to plain text that still shows what was quoted: the rest of cleaning sees one form only.

Quoted blocks come out as lines that begin with ">", and what a mail program draws above an older message
as the line `OLDER_MESSAGE`. Parsing is selectolax's (HTML5, as browsers do it).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

OLDER_MESSAGE = "-----Original Message-----"
MAX_DEPTH = 500  # a tree deeper than this costs the parser quadratic time; no mail program writes one

_PROOF = re.compile(
    r"</(?:[abips]|u|em|strong|font|span|div|table|t[dhr]|tbody|[ou]l|li|h[1-6]|html|body|head|style|script|center"
    r"|blockquote|pre|title|o:p)\s*>|<(?:br|hr|img|p|div|html|body|meta|table|blockquote|!doctype)(?:[\s/][^<>]*)?>",
    re.IGNORECASE,
)
_BARE_ADDRESS = re.compile(r"<(?=[^\s<>@/\"=]{1,64}@|https?://|www\.|[^a-z/!?])", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-z][a-z0-9:]*)[^<>]*>", re.IGNORECASE)
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|font-size\s*:\s*0(?:px|pt|em)?\s*(?:;|$)"
    r"|max-height\s*:\s*0(?:px)?\s*(?:;|$)",
    re.IGNORECASE,
)
_OUTLOOK_RULE = re.compile(r"border:\s*none;\s*border-top:\s*solid #(?:e1e1e1|b5c4df) 1", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\r\n\f]+")

_BLOCKS = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tr",
        "ul",
        "body",
        "html",
    }
)
_LINE_BLOCKS = _BLOCKS - {"body", "html"} | {"br"}
_SKIPPED = frozenset(
    {
        "script",
        "style",
        "head",
        "title",
        "template",
        "noscript",
        "svg",
        "object",
        "iframe",
        "select",
        "-comment",
        "-doctype",
    }
)
_UNNESTED = frozenset(
    {
        "p",
        "li",
        "td",
        "th",
        "tr",
        "br",
        "hr",
        "img",
        "meta",
        "link",
        "input",
        "col",
        "area",
        "base",
        "wbr",
        "embed",
        "source",
    }
)
_OLDER = frozenset({"divrplyfwdmsg", "appendonsend", "olk_src_body_section", "yahoo_quoted"})
_SIGNATURES = frozenset(
    {"gmail_signature", "signature", "moz-signature", "ms-outlook-mobile-signature", "applemailsignature",
     "protonmail_signature_block", "applelinksignature"}
)  # fmt: skip


def is_markup(text: str) -> bool:
    """Whether a text holds real tags: "<3", "a < b", "<smith@example.com>" and a lone "<b>" are none."""
    return _PROOF.search(text) is not None


def markup_to_text(text: str) -> str:
    """The visible text of an HTML message, one line a block, without signature blocks unless all else is blank."""
    safe = _BARE_ADDRESS.sub("&lt;", text)
    if _too_deep(safe):
        return _TAG.sub("\n", safe)
    from selectolax.lexbor import LexborHTMLParser

    root = LexborHTMLParser(safe.encode("utf-8", "ignore")).body
    if root is None:
        return _TAG.sub("\n", safe)
    flat = root.css_first(",".join(_LINE_BLOCKS)) is None
    written = _Writer(keep_newlines=flat, keep_signature=False).write(root)
    return written if written.strip() else _Writer(keep_newlines=flat, keep_signature=True).write(root)


def _too_deep(text: str) -> bool:
    if text.count("<") <= MAX_DEPTH:
        return False
    opened: Counter[str] = Counter()
    depth = 0
    for closing, name in _TAG.findall(text.lower()):
        if name in _UNNESTED:
            continue
        if not closing:
            opened[name] += 1
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif opened[name]:
            opened[name] -= 1
            depth -= 1
    return False


class _Writer:
    """Walks a tree without recursion and gathers its visible text."""

    def __init__(self, *, keep_newlines: bool, keep_signature: bool) -> None:
        self.keep_newlines = keep_newlines
        self.keep_signature = keep_signature
        self.lines: list[str] = []
        self.line: list[str] = []
        self.quotes: list[int] = []
        self.preformatted = 0

    def write(self, root: LexborNode) -> str:
        node: LexborNode | None = root
        while node is not None:
            below = node.child if self._enter(node) else None
            if below is not None:
                node = below
                continue
            while node is not None:
                self._leave(node)
                if node.mem_id == root.mem_id:
                    self._end_line()
                    return "\n".join(self.lines)
                if node.next is not None:
                    node = node.next
                    break
                node = node.parent
        return "\n".join(self.lines)

    def _enter(self, node: LexborNode) -> bool:
        """Writes what stands at the node's start; False keeps the walk out of its children."""
        name = node.tag or ""
        if name == "-text":
            self._text(node.text_content or "")
            return False
        if name in _SKIPPED or self._left_out(node):
            return False
        if name in _LINE_BLOCKS:
            self._end_line()
        if name == "p" and self.lines and self.lines[-1]:
            self.lines.append("> " if self.quotes else "")
        if name == "blockquote":
            self.quotes.append(node.mem_id)
        self.preformatted += name == "pre"
        if name == "li":
            self.line.append("- ")
        elif name in ("td", "th"):
            self.line.append(" ")
        elif name == "img":
            self._emoji(node.attributes.get("alt") or "")
        return True

    def _leave(self, node: LexborNode) -> None:
        if node.tag in _BLOCKS:
            self._end_line()
            if self.quotes and self.quotes[-1] == node.mem_id:
                self.quotes.pop()
            self.preformatted -= node.tag == "pre" and self.preformatted > 0

    def _left_out(self, node: LexborNode) -> bool:
        attributes = node.attributes
        if not attributes:
            return False
        style = attributes.get("style") or ""
        marks = f"{attributes.get('id') or ''} {attributes.get('class') or ''}".lower().split()
        if not _OLDER.isdisjoint(marks) or (style and _OUTLOOK_RULE.search(style)):
            self._end_line()
            self.lines.append(OLDER_MESSAGE)
        if "hidden" in attributes or (style and _HIDDEN.search(style)):
            return True
        return not (self.keep_signature or _SIGNATURES.isdisjoint(marks))

    def _text(self, text: str) -> None:
        if not (self.preformatted or self.keep_newlines):
            self.line.append(_SPACES.sub(" ", text))
            return
        first, *rest = text.split("\n")
        self.line.append(first)
        for part in rest:
            self._end_line()
            self.line.append(part)

    def _emoji(self, alt: str) -> None:
        if len(alt) <= 8 and not alt.isascii() and not any(map(str.isalnum, alt)):
            self.line.append(alt)

    def _end_line(self) -> None:
        line = " ".join("".join(self.line).split())
        self.line.clear()
        if line:
            self.lines.append("> " * min(len(self.quotes), 3) + line)
