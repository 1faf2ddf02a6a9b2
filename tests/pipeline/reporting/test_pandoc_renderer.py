import pytest

from fraud_core.errors import ResultError
from fraud_core.pipeline.reporting.pandoc_renderer import (
    page_from_markdown,
    page_from_notebook,
    to_html,
)

TEMPLATE = "$title$|$navigation$|$body$"


def cell(source, *outputs, tags=()):
    return {
        "cell_type": "code",
        "source": source,
        "outputs": list(outputs),
        "metadata": {"tags": list(tags)},
    }


def shows(**data):
    return {"output_type": "execute_result", "data": data}


def markdown(source):
    return {"cell_type": "markdown", "source": source, "metadata": {}}


def svg(label, caption):
    return cell(
        f"#| label: {label}\n#| fig-cap: {caption}\ndraw()",
        shows(**{"image/svg+xml": "<svg/>", "text/plain": "x"}),
    )


def page(*cells):
    return page_from_notebook({"cells": list(cells)}, name="nb")


def test_first_heading_is_the_title_and_code_is_folded():
    found = page(markdown("# A title\n\nText."), cell("x = 1"))
    assert found.title == "A title"
    assert "Text." in found.body
    assert "<summary>Code</summary>\n\n```python\nx = 1\n```" in found.body


def test_figures_and_tables_are_numbered_and_referred_to():
    found = page(
        svg("fig-a", "First"),
        svg("fig-b", "Second <b>"),
        cell(
            "#| label: tbl-a\n#| tbl-cap: Counts\nt",
            shows(**{"text/markdown": "| a |\n| - |\n| 1 |"}),
        ),
        markdown("See @fig-b and @tbl-a."),
    )
    assert "Figure 2: Second &lt;b&gt;" in found.body
    assert "[Figure 2](#fig-b) and [Table 1](#tbl-a)" in found.body
    assert found.pictures == {"nb-fig-a.svg": "<svg/>", "nb-fig-b.svg": "<svg/>"}


def test_reference_that_leads_nowhere_is_an_error():
    with pytest.raises(
        ResultError, match="nb: the reference @fig-x leads nowhere; known are fig-a"
    ):
        page(svg("fig-a", "First"), markdown("See @fig-x."))


def test_default_parameters_are_hidden_and_those_of_the_run_shown():
    found = page(
        cell("rate = 1", tags=["parameters"]), cell("rate = 2", tags=["injected-parameters"])
    )
    assert "rate = 1" not in found.body
    assert "<summary>Parameters of this run</summary>\n\n```python\nrate = 2" in found.body


def test_neighbouring_code_cells_without_output_are_one_fold():
    assert page(cell("a = 1"), cell("b = 2")).body.count("<details") == 1


def test_failed_cell_is_an_error():
    with pytest.raises(ResultError, match="ValueError"):
        page(cell("x", {"output_type": "error", "ename": "ValueError"}))


def test_unknown_output_is_an_error():
    with pytest.raises(ResultError, match="no way to show"):
        page(cell("x", shows(**{"application/pdf": "..."})))


def test_document_needs_a_title():
    with pytest.raises(ResultError, match="front matter"):
        page_from_markdown("No title", name="d")


def test_tables_of_a_document_are_numbered():
    found = page_from_markdown(
        "---\ntitle: T\n---\nSee @tbl-x.\n\n| a |\n| - |\n| 1 |\n\n: Cap {#tbl-x}\n", name="d"
    )
    assert "See [Table 1](#tbl-x)." in found.body
    assert ": Table 1: Cap" in found.body


def test_html_has_callouts_tables_and_math(tmp_path):
    (tmp_path / "t.html").write_text(TEMPLATE)
    text = "---\ntitle: T\n---\n::: {.callout-note}\nMind $x^2$.\n:::\n\n| a |\n| - |\n| 1 |\n"
    found = to_html(
        page_from_markdown(text, name="d"),
        template=str(tmp_path / "t.html"),
        variables={"navigation": "<i>"},
    )
    assert found.startswith("T|<i>|")
    assert 'class="callout-note"' in found
    assert "<table>" in found
    assert "<math" in found
