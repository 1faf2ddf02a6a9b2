from serve.store.migrate import main, upgrade
from serve.store.tables import HEAD, current_revision


def test_migrating_twice_changes_nothing(engine):
    upgrade(engine)
    assert current_revision(engine) == HEAD


def test_command_says_from_which_revision_to_which_it_went(url, monkeypatch, capsys):
    monkeypatch.setenv("FRAUD_ACCESS", "open")
    monkeypatch.setenv("FRAUD_STORE_URL", url)
    assert main() == 0
    assert capsys.readouterr().out == f"store: revision none → {HEAD}\n"
    assert main() == 0
    assert capsys.readouterr().out == f"store: revision {HEAD} → {HEAD}\n"
