import json

import pytest

from fraud_core.errors import ResultError
from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.verdicts import Evidence
from fraud_core.pipeline.plots import style as figures
from fraud_core.pipeline.reporting.results import (
    figure,
    markdown_table,
    read_metrics,
    reading,
    resolve,
    save_figure,
    sibling_evidence,
    stamp_data,
    write_metrics,
)

METRICS = {
    "a.b": 0.12345,
    "a.b_lo": 0.1,
    "a.b_hi": 0.2,
    "n": 1234,
    "verdict": "none",
    "tiny": 0.00042,
    "whole": 1234.5,
}


def test_interval_becomes_three_flat_names(project):
    write_metrics("results/x", {"m.ap": Estimate(0.78, 0.72, 0.83), "n": 3, "verdict": "none"})
    assert json.loads((project / "results/x/metrics.json").read_text()) == {
        "m.ap": 0.78,
        "m.ap_lo": 0.72,
        "m.ap_hi": 0.83,
        "n": 3,
        "verdict": "none",
    }


def test_numbers_are_rounded_to_six_digits(project):
    assert write_metrics("results/x", {"m": 0.123456789})["m"] == 0.123457
    assert read_metrics("results/x") == {"m": 0.123457}


def test_figures_of_another_study_say_of_which_data_they_speak(project):
    here, there = {"v0": "a" * 64, "v1": "b" * 64}, {"v0": "a" * 64, "v1": "c" * 64}
    assert sibling_evidence("results/select", "drift", "verdict", of=here) == Evidence(None)
    write_metrics("results/drift", {"verdict": "fell", "m": Estimate(0.5, 0.4, 0.6)})
    unknown = sibling_evidence("results/select", "drift", "verdict", of=here)
    assert unknown.refused == "of unknown data: the results of drift name none"
    stamp_data("results/drift", there)
    stamp_data("results/drift", here)
    assert sibling_evidence("results/select", "drift", "verdict", of=here) == Evidence("fell")
    assert read_metrics("results/drift")["m_hi"] == 0.6
    other = sibling_evidence("results/select", "drift", "verdict", of=there)
    assert (
        other.refused
        == "of other data: the results of drift speak of v1 bbbbbbbbbbbb, here cccccccccccc"
    )
    assert sibling_evidence("results/select", "drift", "verdict").refused.startswith(
        "of unknown data"
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_undefined_number_is_refused_by_name(project, value):
    with pytest.raises(ResultError, match="m: expected a finite number"):
        write_metrics("results/x", {"m": value})
    assert not (project / "results/x/metrics.json").exists()


def test_study_that_was_not_run_is_said(project):
    with pytest.raises(ResultError, match="run the study"):
        read_metrics("results/none")


@pytest.mark.parametrize(
    ("name", "form", "text"),
    [
        ("a.b", "", "0.123"),
        ("a.b", "interval", "0.123 (0.100 to 0.200)"),
        ("a.b", "interval%", "12.3% (10.0% to 20.0%)"),
        ("a.b", ".1f", "0.1"),
        ("n", "", "1,234"),
        ("verdict", "", "none"),
        ("tiny", "", "0.00042"),
        ("whole", "", "1,234"),
    ],
)
def test_figures_are_shown_as_asked(name, form, text):
    assert figure(METRICS, name, form) == text


def test_missing_figure_is_an_error_that_names_near_ones():
    with pytest.raises(ResultError, match=r"a\.c: no such figure.*a\.b"):
        resolve("It is {a.c}.", METRICS)


def test_figure_without_an_interval_cannot_show_one():
    with pytest.raises(ResultError, match="n_lo"):
        resolve("{n:interval}", METRICS)


def test_reading_is_markdown_with_figures():
    assert reading("{a.b} of {n}", METRICS).data == "0.123 of 1,234"


def test_table_aligns_numbers_and_escapes_bars():
    text = markdown_table([{"name": "x|y", "value": Estimate(0.5, 0.25, 0.75), "n": 3}])
    assert text.splitlines()[1] == "| :--- | ---: | ---: |"
    assert "x\\|y" in text
    assert "0.500 (0.250\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}0.750)" in text


def test_empty_table_is_refused():
    with pytest.raises(ResultError, match="at least one row"):
        markdown_table([])


def test_figure_is_saved_as_svg_and_png_with_equal_bytes(project):
    rows = {"one": Estimate(0.5, 0.4, 0.6)}
    saved = []
    for _ in range(2):
        save_figure(figures.intervals(rows, "x"), "results/x", "drawing")
        saved.append(
            [
                (project / f"results/x/{p}").read_bytes()
                for p in ("figures/drawing.svg", "png/drawing.png")
            ]
        )
    assert saved[0] == saved[1]


def test_figure_that_is_too_large_is_refused(project, monkeypatch):
    monkeypatch.setattr("fraud_core.pipeline.reporting.results.MAX_SVG_BYTES", 100)
    with pytest.raises(ResultError, match="rasterise"):
        save_figure(
            figures.intervals({"one": Estimate(0.5, 0.4, 0.6)}, "x"), "results/x", "drawing"
        )
