"""The run as Markdown: the targets with their ratios, then every row of the matrix."""

from compare import map_bench, targets

BEGIN, END = "<!-- compare: begin -->", "<!-- compare: end -->"

FIGURES = (  # heading, field of Sample, format
    ("ops/s", "ops_per_s", "{:,.0f}"),
    ("p50 us", "p50_us", "{:,.0f}"),
    ("p99 us", "p99_us", "{:,.0f}"),
    ("p99.9 us", "p999_us", "{:,.0f}"),
    ("CPU us/op", "cpu_us_per_op", "{:.2f}"),
    ("syscalls/op", "syscalls_per_op", "{:.3f}"),
    ("switches/op", "switches_per_op", "{:.3f}"),
    ("flushes/op", "flushes_per_op", "{:.4f}"),
    ("written B/op", "written_bytes_per_op", "{:,.0f}"),
)


def table(headings, rows):
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def number(value):
    """Three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def figure(spread, form):
    return "" if spread is None else form.format(spread.median)


def stolen(samples, cell, system):
    rounds = samples.stolen_rounds(cell, system)
    return f"{rounds} of {len(samples.of(cell, system))}" if rounds else "no"


def target_row(target, samples, titles):
    bound = f"{target.sense} {number(target.bound)}"
    against = f"{titles[target.other]}: {bound} times" if target.other else bound
    measured = target.measured(samples)
    if measured is None:
        return [target.what, against, "not measured", "", "", "", ""]
    own = samples.spread(target.cell, targets.KVORUM, target.figure)
    others = samples.spread(target.other_cell or target.cell, target.other, target.figure)
    stolen_rounds = samples.stolen_rounds(target.cell, targets.KVORUM) + samples.stolen_rounds(target.other_cell or target.cell, target.other)
    return [target.what, against, f"**{number(measured.median)}** ({number(measured.low)} to {number(measured.high)})",
            "pass" if target.is_met(measured.median) else "miss", f"{number(own.median)}" + (f" / {number(others.median)}" if others else ""),
            str(measured.count), "yes" if stolen_rounds else "no"]


def map_row(map_rows):
    asked = ["map lookup, 10 million keys, batched",
             f"absl: at most {map_bench.LOOKUP_BOUND} times its time; longest insert under {map_bench.LONGEST_BOUND_US} us"]
    measured = map_bench.target(map_rows) if map_rows is not None else None
    if measured is None:
        return [*asked, "not built" if map_rows is None else "not measured", "", "", "", ""]
    ratio, longest_us, is_met = measured
    return [*asked, f"**{number(ratio)}**; {number(longest_us)} us", "pass" if is_met else "miss", "", "1", ""]


def target_table(samples, titles, map_rows):
    rows = [target_row(target, samples, titles) for target in targets.TARGETS]
    rows.append(map_row(map_rows))
    return table(["what", "asked for", "ratio (lowest to highest round)", "", "Kvorum / other", "rounds", "steal > 1 %"], rows)


def cell_rows(samples, titles, cell):
    for system, title in titles.items():
        taken = samples.of(cell, system)
        if not taken:
            continue
        rate = samples.spread(cell, system, "ops_per_s")
        figures = [figure(samples.spread(cell, system, field), form) for _, field, form in FIGURES]
        figures[0] += f" ±{rate.part:.0%}"
        yield [title, *figures, f"{len(taken)}, {sum(sample.ops for sample in taken):,} ops", stolen(samples, cell, system)]


def describe(cell):
    operation, clients, pipeline, size = cell.split("-")
    name = {"set": "SET", "get": "GET", "mix": "1 SET : 10 GET"}[operation]
    return f"{name}, {clients[1:]} client{'s' if clients != 'c1' else ''}, pipeline {pipeline[1:]}, {size[:-1]}-byte values"


def matrix(samples, titles):
    cells = dict.fromkeys(sample.cell for sample in samples if sample.cell != "memory")
    parts = []
    for cell in cells:
        parts.append(f"**{describe(cell)}**\n\n" + table(["system", *(heading for heading, _, _ in FIGURES), "rounds", "steal > 1 %"],
                                                         cell_rows(samples, titles, cell)))
    return "\n\n".join(parts)


def memory_table(samples, titles):
    rows = []
    for system, title in titles.items():
        spread = samples.spread("memory", system, "memory_bytes_per_key")
        if spread:
            rows.append([title, f"{spread.median:.0f}", f"{spread.low:.0f} to {spread.high:.0f}", str(spread.count), stolen(samples, "memory", system)])
    return table(["memory, 1,000,000 keys of 16 bytes, values of 32", "bytes per key", "spread", "rounds", "steal > 1 %"], rows) if rows else ""


def map_table(map_rows):
    return table(["map_bench", "CPU time", "counters"], map_bench.rows(map_rows)) if map_rows else ""


def markdown(samples, titles, environment, map_rows, charts=()):
    parts = [environment, target_table(samples, titles, map_rows), *(f"![{title}]({path})" for title, path in charts), matrix(samples, titles),
             memory_table(samples, titles), map_table(map_rows)]
    return "\n\n".join(part for part in parts if part) + "\n"


def put_between_marks(document, text):
    """The document with its generated part replaced. ValueError when it has none."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"there is no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n{text}{END}{after}"
