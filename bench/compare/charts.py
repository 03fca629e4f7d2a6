"""Bar charts as SVG: a bar per system with its median, and a whisker from its lowest to its highest round."""

from html import escape

WIDTH, LABEL_WIDTH, VALUE_WIDTH = 760, 190, 90
BAR_HEIGHT, BAR_GAP, TOP = 20, 8, 40
OWN_COLOUR, OTHER_COLOUR, WHISKER_COLOUR, TEXT_COLOUR = "#2f6fbf", "#b9c2cc", "#333333", "#222222"


def bars(title, rows):
    """rows: (label, Spread, whether it is ours), one unit for all."""
    height = TOP + len(rows) * (BAR_HEIGHT + BAR_GAP) + BAR_GAP
    longest = max(spread.high for _, spread, _ in rows) or 1
    scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / longest
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
             f'font-family="sans-serif" font-size="13" fill="{TEXT_COLOUR}">',
             f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
             f'<text x="10" y="24" font-size="15" font-weight="bold">{escape(title)}</text>']
    for index, (label, spread, is_own) in enumerate(rows):
        parts += _bar(TOP + index * (BAR_HEIGHT + BAR_GAP), label, spread, is_own, scale)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(top, label, spread, is_own, scale):
    middle, baseline = top + BAR_HEIGHT / 2, top + BAR_HEIGHT - 5
    low, high = (LABEL_WIDTH + value * scale for value in (spread.low, spread.high))
    text = f"{spread.median:,.0f}" if spread.median >= 100 else f"{spread.median:.3g}"
    yield f'<text x="{LABEL_WIDTH - 8}" y="{baseline}" text-anchor="end">{escape(label)}</text>'
    yield (f'<rect x="{LABEL_WIDTH}" y="{top}" width="{spread.median * scale:.1f}" height="{BAR_HEIGHT}" '
           f'fill="{OWN_COLOUR if is_own else OTHER_COLOUR}"/>')
    yield f'<path d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} {middle - 4}v8M{high:.1f} {middle - 4}v8" stroke="{WHISKER_COLOUR}" fill="none"/>'
    yield f'<text x="{high + 6:.1f}" y="{baseline}">{text}</text>'
