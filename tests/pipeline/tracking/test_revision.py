import re
import subprocess

from fraud_core.pipeline.tracking.revision import git_revision


def test_git_revision_is_the_commit_and_says_when_the_files_of_the_user_differ(project):
    assert git_revision() == "unknown"
    (project / "dvc.lock").write_text("stages: {}\n")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "params.yaml", "dvc.lock"], check=True)
    subprocess.run([*git, "commit", "-qm", "c"], check=True)
    clean = git_revision()
    assert re.fullmatch("[0-9a-f]{40}", clean)
    (project / "dvc.lock").write_text("stages: {train: {}}\n")
    (project / "new.txt").touch()
    assert git_revision() == clean
    (project / "params.yaml").write_text("changed")
    assert git_revision() == f"{clean}-dirty"
