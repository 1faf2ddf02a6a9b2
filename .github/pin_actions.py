"""`make pin-actions`: write the commit of each action's
tag into the workflows, asked of GitHub, never made up.

uses: actions/checkout@v5   →   uses: actions/checkout@<40 hex digits> # v5
"""

import re
import subprocess
import sys
from pathlib import Path

WORKFLOWS = Path(__file__).with_name("workflows")
USES = re.compile(r"(uses: )([\w.-]+/[\w.-]+)((?:/[\w.-]+)*)@(v?[0-9][\w.-]*)[ \t]*$", re.MULTILINE)


def commit_of(action: str, tag: str) -> str:
    """The commit that a tag of an action names now.

    Raises
    ------
    SystemExit
        When GitHub cannot be asked or knows no such tag.
    """
    address = f"https://github.com/{action}"
    asked = [
        "git",
        "ls-remote",
        "--exit-code",
        address,
        f"refs/tags/{tag}",
        f"refs/tags/{tag}^{{}}",
    ]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        reason = done.stderr.strip()[:200] or "no such tag"
        raise SystemExit(
            f"error: {action}@{tag}: GitHub could not be asked, nothing was written: {reason}"
        )
    # the last line is the commit itself where the tag is an object of its own
    return done.stdout.split("\n")[-2].split("\t")[0]


def main() -> None:
    """Resolve every tag first, then write."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(WORKFLOWS.glob("*.yml"))}
    tags = sorted(
        {(match[2], match[4]) for text in texts.values() for match in USES.finditer(text)}
    )
    commits = {tag: commit_of(*tag) for tag in tags}
    for path, text in texts.items():
        pinned = USES.sub(lambda m: f"{m[1]}{m[2]}{m[3]}@{commits[m[2], m[4]]} # {m[4]}", text)
        path.write_text(pinned, encoding="utf-8")
    print(f"pinned {len(commits)} actions", file=sys.stderr)


if __name__ == "__main__":
    main()
