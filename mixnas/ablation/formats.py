"""An analysis as Markdown, LaTeX, CSV and JSON: the same rows and the same sentences in each."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mixnas.ablation.analysis import Analysis
from mixnas.ablation.report import Table, conclusions, footnotes, introduction, tables, title


def to_markdown(analysis: Analysis) -> str:
    """The whole report as Markdown."""
    parts = [f"# {_cell(title(analysis))}", _bullets(introduction(analysis))]
    parts += [f"## {table.title}\n\n{markdown_table(table)}" for table in tables(analysis)]
    parts += ["## In words", _bullets(conclusions(analysis)), _bullets(footnotes(analysis))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {_cell(line)}" for line in lines)


def markdown_table(table: Table) -> str:
    """A table as Markdown has them."""
    rule = ["---", *["---:"] * (len(table.head) - 1)]
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in (table.head, rule, *table.rows))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


_TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "–": "--", "−": "$-$", "<": "$<$",
    ">": "$>$", "·": r"$\cdot$", "×": r"$\times$",
}  # fmt: skip


_MINUS = re.compile(r"(?<![\w)])-(?=\d)")
"""A hyphen that is a sign."""


def tex(text: str) -> str:
    """Text with everything that LaTeX would take for a command written out; what no font may have becomes '?'."""
    signed = _MINUS.sub("−", text.replace("\n", " "))
    return "".join(_TEX.get(letter, letter if letter.isascii() else "?") for letter in signed)


def to_latex(analysis: Analysis) -> str:
    """A document of its own with one booktabs table for each table; the tables can be taken out as they stand."""
    parts = [
        r"\documentclass{article}",
        r"\usepackage{booktabs}",
        r"\usepackage[margin=2cm]{geometry}",
        r"\usepackage{graphicx}",
        r"\begin{document}",
        rf"\section*{{{tex(title(analysis))}}}",
        _items(introduction(analysis)),
        *(_latex_table(table) for table in tables(analysis)),
        _items([*conclusions(analysis), *footnotes(analysis)]),
        r"\end{document}",
    ]
    return "\n".join(parts) + "\n"


def _items(lines: Sequence[str]) -> str:
    return "\n".join([r"\begin{itemize}", *(rf"\item {{{tex(line)}}}" for line in lines), r"\end{itemize}"])


def _latex_table(table: Table) -> str:
    rows = [" & ".join(map(tex, row)) + r" \\" for row in table.rows]
    return "\n".join(
        [
            r"\begin{table}[htbp]",
            r"\centering",
            rf"\caption{{{tex(table.title)}}}",
            # only tables that are too wide are made smaller
            r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{l{'r' * (len(table.head) - 1)}}}",
            r"\toprule",
            " & ".join(map(tex, table.head)) + r" \\",
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}}",
            r"\end{table}",
        ]
    )


def to_csv(analysis: Analysis) -> str:
    """One row an arm: factors, metric with interval, difference to the base, costs."""
    metric, factors = analysis.metric.name, list(analysis.factors)
    costs = list(dict.fromkeys(name for arm in analysis.arms for name in arm.costs))
    compared = ("pairs", "mean", "low", "high", "effect_size", "p", "p_holm", "seeds_needed", "detectable", "verdict")
    head = ["arm", "digest", *factors, "seeds", metric, f"{metric}_low", f"{metric}_high", f"{metric}_sd"]
    head += [*(f"difference_{name}" for name in compared), *costs]
    rows: list[list[Any]] = []
    for arm in analysis.arms:
        difference = asdict(arm.difference) if arm.difference else dict.fromkeys(compared, "")
        row: list[Any] = [arm.arm.label, arm.arm.digest, *(arm.arm.levels.get(factor, "") for factor in factors)]
        row += [len(arm.values), arm.mean, arm.low, arm.high, arm.sd, *(difference[name] for name in compared)]
        rows.append([*row, *(arm.costs.get(name, "") for name in costs)])
    return _csv(head, rows)


def runs_csv(analysis: Analysis) -> str:
    """One row a run that finished: arm, seed, metric."""
    rows = [[arm.arm.label, seed, value] for arm in analysis.arms for seed, value in arm.values.items()]
    return _csv(["arm", "seed", analysis.metric.name], rows)


def _csv(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([["" if _is_unknown(value) else value for value in row] for row in rows])
    return text.getvalue()


def to_json(analysis: Analysis) -> str:
    """Everything, with null where nothing is known."""
    data = {
        "spec": {key: value for key, value in analysis.spec.items() if key != "space_json"},
        "environment": analysis.environment,
        "metric": analysis.metric.name,
        "arms": [asdict(arm) for arm in analysis.arms],
        "left_out": [asdict(cell) for cell in analysis.left_out],
        "effects": asdict(analysis.effects),
        "runs": {"wanted": analysis.wanted, "finished": analysis.finished, "failed": analysis.failed},
        "conclusions": conclusions(analysis),
    }
    return json.dumps(plain(data), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """Data that JSON can hold: NaN and infinity are null, tuples are lists."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return None if _is_unknown(value) else value


def _is_unknown(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


FORMATS: Mapping[str, Callable[[Analysis], str]] = {
    "markdown": to_markdown,
    "latex": to_latex,
    "csv": to_csv,
    "json": to_json,
}
"""What `--format` may name."""
