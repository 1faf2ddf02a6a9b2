import pytest
from sqlalchemy import text

from fraud_core.errors import ParameterError
from serve.store.command import run_on_store


@pytest.fixture
def named(url, monkeypatch):
    monkeypatch.setenv("FRAUD_ACCESS", "open")
    monkeypatch.setenv("FRAUD_STORE_URL", url)


@pytest.mark.usefixtures("named")
def test_command_acts_on_the_store_of_the_settings(url):
    seen = []
    assert run_on_store(lambda engine: seen.append(str(engine.url))) == 0
    assert seen == [url]


@pytest.mark.usefixtures("named")
def test_what_goes_wrong_is_one_line_and_a_defect_is_not_hidden(capsys):
    def refuse(engine):
        raise ParameterError("--days: expected 0 or more")

    def ask(engine):
        with engine.connect() as connection:
            connection.execute(text("SELECT * FROM nothing"))

    for act, words in (
        (refuse, "error: --days: expected 0 or more\n"),
        (ask, "error: FRAUD_STORE_URL: the store refused (OperationalError); is it running?\n"),
    ):
        assert run_on_store(act) == 1
        assert capsys.readouterr().err == words
    with pytest.raises(ZeroDivisionError):
        run_on_store(lambda engine: 1 / 0)


def test_address_that_is_none_is_one_line(monkeypatch, capsys):
    monkeypatch.setenv("FRAUD_ACCESS", "open")
    monkeypatch.setenv("FRAUD_STORE_URL", "mysql://u:hidden@h/d")
    assert run_on_store(lambda engine: None) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: FRAUD_STORE_URL")
    assert "hidden" not in error
