"""Layout faults that a script can see: what runs out of the page, is cut off, overlaps, or runs the wrong way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

FAULTS = """() => {
  const faults = [];
  const name = e => e.tagName.toLowerCase() + (e.id ? '#' + e.id : '') + ' ' + e.textContent.trim().slice(0, 30);
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > wide) faults.push('page is wider than the window');
  const unseen = e => e.closest('.unseen, .skip, thead, details:not([open])') !== null;
  for (const e of document.querySelectorAll('h1, h2, p, th, td, dt, dd, a, figure, figcaption, summary, bdi, q')) {
    if (unseen(e)) continue;
    const box = e.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const scrolls = e.closest('.scroll');
    if (!scrolls && (box.left < -1 || box.right > wide + 1)) faults.push('overflow: ' + name(e));
    const style = getComputedStyle(e);
    if (style.overflow === 'hidden' && (e.scrollWidth > e.clientWidth + 1)) faults.push('clipped: ' + name(e));
  }
  for (const svg of document.querySelectorAll('svg')) {
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
    for (const [text, box] of texts) {
      const across = box.left < frame.left - 2 || box.right > frame.right + 2;
      if (across || box.top < frame.top - 2 || box.bottom > frame.bottom + 2)
        faults.push('chart text out of its frame: ' + text);
    }
    for (let i = 0; i < texts.length; i++) for (let j = i + 1; j < texts.length; j++) {
      const [a, b] = [texts[i][1], texts[j][1]];
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (across > 2 && down > 4) faults.push('chart texts overlap: ' + texts[i][0] + ' / ' + texts[j][0]);
    }
  }
  const want = document.documentElement.dir;
  for (const e of document.querySelectorAll('h1, h2, main p, td, th, dd')) {
    if (getComputedStyle(e).direction !== want) faults.push('wrong direction: ' + name(e));
  }
  return faults;
}"""


def faults(page: Page) -> list[str]:
    """What is wrong with the layout of a page, in words; empty when nothing is."""
    found: Any = page.evaluate(FAULTS)
    return list(dict.fromkeys(found))
