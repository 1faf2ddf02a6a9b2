"""The checkers of the architecture see what they are for, in every form."""

import pytest

from tests.architecture import catching_all, circle, module_graph, package_graph

APART = {
    "serve": "",
    "serve.a": "",
    "serve.a.one": "",
    "serve.a.two": "",
    "serve.b": "",
    "serve.b.one": "",
}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("serve.a.one", "from serve.b.one import f"),
        ("serve.a.two", "from serve.b import one"),
        ("serve.a.two", "import serve.b.one as other"),
        ("serve.a.one", "def f():\n from serve.b.one import g"),
    ],
)
def test_the_rule_of_arrows_sees_every_form_and_a_circle_over_two_modules(module, source):
    modules = APART | {module: source}
    arrows = package_graph(module_graph(modules))
    assert arrows["a"] == {"b"}
    assert circle(arrows) == []
    both = module_graph(modules | {"serve.b.one": "from serve.a.one import f"})
    assert sorted(set(circle(package_graph(both)))) == ["a", "b"]
    assert bool(circle(both)) == (module == "serve.a.one"), (
        "modules may be free of a circle that their packages make"
    )


def test_the_rule_of_arrows_sees_a_circle_within_a_package_and_refuses_relative_imports():
    within = APART | {
        "serve.a.one": "from serve.a.two import f",
        "serve.a.two": "from serve.a.one import g",
    }
    assert sorted(set(circle(module_graph(within)))) == ["serve.a.one", "serve.a.two"]
    assert circle(package_graph(module_graph(within))) == []
    with pytest.raises(ValueError, match="write the whole name"):
        module_graph(APART | {"serve.a.one": "from .two import f"})


@pytest.mark.parametrize(
    "clause",
    [
        "except:",
        "except Exception:",
        "except Exception as error:",
        "except BaseException as error:",
        "except (ValueError, Exception):",
        "except (ValueError, BaseException) as error:",
        "except builtins.Exception as error:",
        "except* Exception as error:",
    ],
)
def test_the_rule_against_broad_excepts_sees_every_form(clause):
    assert catching_all(f"class A:\n def f(self):\n  try: g()\n  {clause} pass\n") == ["A.f"]


def test_the_rule_against_broad_excepts_sees_suppression_and_lets_narrow_ones_pass():
    assert catching_all("with contextlib.suppress(Exception): f()") == [""]
    assert (
        catching_all(
            "with suppress(KeyError): f()\ntry: f()\nexcept (ValueError, OSError) as error: pass"
        )
        == []
    )
