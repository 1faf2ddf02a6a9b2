"""The built-in renderer: a documented subset of Quarto, on pandoc alone (docs/report.md lists it).

A notebook becomes Markdown with folded code, captions and numbered figures and tables;
cross-references are resolved here, so that one that leads nowhere is an error and not a question
mark on the page.
"""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fraud_core.errors import ResultError

OPTION = re.compile(r"^#\|\s*([\w-]+):\s*(.*)$")
REFERENCE = re.compile(r"(?<![\w`])@((?:fig|tbl)-[\w-]+)")
TABLE_CAPTION = re.compile(r"^: (?P<caption>.*?)\s*\{#(?P<label>tbl-[\w-]+)\}$", re.MULTILINE)
KINDS = {"fig": "Figure", "tbl": "Table"}
BETWEEN_CODE_CELLS = (
    '\n```\n\n</details>\n\n<details class="code"><summary>Code</summary>\n\n```python\n'
)
HIDDEN_TAGS = {"parameters", "remove-cell"}


@dataclass(frozen=True)
class Page:
    """A page before it becomes HTML.

    Attributes
    ----------
    title
        Without mark-up.
    body
        Markdown, references resolved.
    pictures
        SVG by file name, to be written beside the page.
    """

    title: str
    body: str
    pictures: dict[str, str]


def page_from_markdown(text: str, *, name: str) -> Page:
    """A page from a Quarto document: front matter with a
    title, Markdown, tables with ``: caption {#tbl-x}``.

    Raises
    ------
    ResultError
        When the title is missing or a reference leads nowhere.
    """
    front = re.match(r"^---\n(.*?)\n---\n", text, re.DOTALL)
    title = re.search(r"^title:\s*(.+)$", front[1], re.MULTILINE) if front else None
    if not front or not title:
        raise ResultError(f"{name}: expected front matter with a title")
    body, numbers = text[front.end() :], {}
    for match in TABLE_CAPTION.finditer(body):
        numbers[match["label"]] = f"Table {len(numbers) + 1}"
    body = TABLE_CAPTION.sub(lambda m: f": {numbers[m['label']]}: {m['caption']}", body)
    return Page(title[1].strip(), _resolve_references(body, numbers, name), {})


def page_from_notebook(notebook: dict[str, Any], *, name: str) -> Page:
    """A page from an executed notebook.

    Markdown cells stand as they are, the first heading becomes the title; code is folded; outputs
    follow it. The declared default parameters are left out, the injected ones are shown.

    Raises
    ------
    ResultError
        When a cell failed, an output is of an unknown kind, or a reference leads nowhere.
    """
    parts: list[str] = []
    pictures: dict[str, str] = {}
    numbers: dict[str, str] = {}
    title = name
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            heading = re.match(r"^# (.+)\n?", source)
            if heading:
                title, source = heading[1], source[heading.end() :]
            parts.append(source)
        elif cell["cell_type"] == "code" and not HIDDEN_TAGS & set(
            cell["metadata"].get("tags", [])
        ):
            parts += _code_cell(cell, source, name, numbers, pictures)
    text = "\n\n".join(parts).replace(BETWEEN_CODE_CELLS, "\n\n")
    return Page(title, _resolve_references(text, numbers, name), pictures)


def options_of(lines: Iterable[str]) -> dict[str, str]:
    """The options in the comments of a code cell.

    Examples
    --------
    >>> options_of(["#| label: fig-x", "x = 1"])
    {'label': 'fig-x'}
    """
    return {match[1]: match[2] for line in lines if (match := OPTION.match(line))}


def _code_cell(
    cell: dict[str, Any], source: str, name: str, numbers: dict[str, str], pictures: dict[str, str]
) -> list[str]:
    lines = source.splitlines()
    options = options_of(lines)
    code = "\n".join(line for line in lines if not OPTION.match(line)).strip()
    injected = "injected-parameters" in cell["metadata"].get("tags", [])
    summary = "Parameters of this run" if injected else "Code"
    parts = [
        "<details "
        f'class="code"><summary>{summary}</summary>\n\n```python\n{code}\n```\n\n</details>'
    ]
    label = options.get("label", "")
    kind = label.split("-")[0]
    if kind in KINDS:
        order = sum(known.startswith(kind) for known in numbers) + 1
        numbers[label] = f"{KINDS[kind]} {order}"
    caption = f"{numbers.get(label, '')}: {options.get(f'{kind}-cap', '')}"
    for output in cell["outputs"]:
        if shown := _output(output, name):
            form, content = shown
            if form == "svg":
                file = f"{name}-{label}.svg"
                pictures[file] = content
                alt = html.escape(options.get("fig-cap", label), quote=True)
                parts.append(
                    f'<figure id="{label}"><img src="{file}" alt="{alt}">'
                    f"<figcaption>{html.escape(caption)}</figcaption></figure>"
                )
            elif kind == "tbl":
                parts.append(
                    f"::: {{#{label} .table-figure}}\n{caption}\n\n::: "
                    f"{{.scroll}}\n{content}\n:::\n:::"
                )
            else:
                parts.append(content)
    return parts


def _output(output: dict[str, Any], name: str) -> tuple[str, str] | None:
    if output["output_type"] == "error":
        raise ResultError(f"{name}: a cell failed with {output['ename']}; run the study again")
    data = output.get("data", {})
    for kind, form in (("text/markdown", "markdown"), ("image/svg+xml", "svg")):
        if kind in data:
            return form, "".join(data[kind])
    if output["output_type"] == "stream":
        return "markdown", f"```\n{''.join(output['text'])}\n```"
    if "text/plain" in data:
        return "markdown", f"```\n{''.join(data['text/plain'])}\n```"
    raise ResultError(
        f"{name}: no way to show an output of {', '.join(data) or output['output_type']}"
    )


def _resolve_references(text: str, numbers: dict[str, str], name: str) -> str:
    def link(match: re.Match) -> str:
        if match[1] not in numbers:
            raise ResultError(
                f"{name}: the reference @{match[1]} leads nowhere; known are "
                f"{', '.join(numbers) or 'none'}"
            )
        return f"[{numbers[match[1]]}](#{match[1]})"

    return REFERENCE.sub(link, text)


def to_html(page: Page, *, template: str, variables: dict[str, str]) -> str:
    """A page as HTML by pandoc, in the template, with a table of contents and MathML."""
    import pypandoc

    arguments = [
        "--standalone",
        "--toc",
        "--toc-depth=2",
        "--mathml",
        f"--template={template}",
        "--wrap=none",
        "--columns=10000",
    ]
    arguments += [f"--variable={key}={value}" for key, value in variables.items()]
    arguments.append(f"--metadata=title={page.title}")
    return pypandoc.convert_text(
        page.body, "html5", format="markdown-citations", extra_args=arguments
    )


def pandoc_version() -> str:
    """The version of the pandoc in use."""
    import pypandoc

    return str(pypandoc.get_pandoc_version())
