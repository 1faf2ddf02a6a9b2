import socket

from fraud_core.pipeline.health import machine


def test_packages_of_another_version_or_none_are_named(project, monkeypatch):
    (project / "requirements.lock").write_text(
        "numpy==0.1 \\\n    --hash=sha256:0\nno-such-package==1.0\n"
        "new==1 ; sys_platform == 'win32'\n"
    )
    check = machine.check_packages()
    assert check.state == "wrong"
    assert "(pinned 0.1), no-such-package missing (pinned 1.0)" in check.found
    assert "new" not in check.found


def test_a_missing_lock_is_wrong_and_one_that_is_kept_is_ok(project):
    assert machine.check_packages().state == "wrong"
    version = machine._installed("numpy")
    (project / "requirements.lock").write_text(f"numpy=={version} \\\n    --hash=sha256:0\n")
    assert machine.check_packages() == machine.Check("packages", "ok", "1 packages as pinned")


def test_a_port_in_use_is_noticed_with_another_to_take():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        check = machine.check_port(port)
    assert (check.state, check.fix) == ("notice", f"make serve PORT={port + 1}")
    assert "in use" in check.found
    assert machine.check_port(port).state == "ok"


def test_an_interpreter_out_of_range_and_a_full_disk_are_wrong(project, monkeypatch):
    assert machine.check_python().state == "ok"
    monkeypatch.setattr(machine, "PYTHONS", ((3, 99), (4, 0)))
    assert "expected 3.11 to 3.13" in machine.check_python().found
    assert machine.check_disk().state == "ok"
    monkeypatch.setattr(machine, "FREE_BYTES", 1 << 60)
    assert machine.check_disk().state == "wrong"


def test_compiled_scorer_is_looked_for(tmp_path, monkeypatch):
    kernel = tmp_path / "kernel.so"
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert "no C compiler" in machine.check_compiler(kernel).found
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/cc")
    assert machine.check_compiler(kernel).fix == "make serve compiles it"
    kernel.touch()
    assert machine.check_compiler(kernel).state == "ok"
