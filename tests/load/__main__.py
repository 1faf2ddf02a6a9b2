"""``python -m tests.load``: the service on loopback under
Locust, and what it cost, in benchmarks/results/load.json.

With ``--entities`` it decides on customers and terminals beside an ingestion worker, from the store
that `make features` filled (in Redis, when FRAUD_REDIS is set), and writes load_entities.json.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.network import free_port, wait_until_ready
from tests.waiting import wait_until_ended

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
LOCUST = ROOT / ".venv-delivery" / "bin" / "locust"
FILE = "tests/load/locustfile.py"
SECONDS = 30
USERS = {"Till": 16, "Shop": 4}  # a decision on entities costs ten times as much
TICKS = os.sysconf("SC_CLK_TCK")
NAMES = {
    "/predict": "predict",
    "/v1/decisions": "decisions",
    "/v1/decisions:batch": "batch",
    "Aggregated": "all",
}


def main(arguments: list[str]) -> int:
    """Start the service, load it, write what was measured; the exit code is Locust's."""
    if not LOCUST.exists():
        raise SystemExit("error: .venv-delivery: expected Locust there; run `make tools`")
    port, entities = free_port(), "--entities" in arguments
    caller = "Shop" if entities else "Till"
    users = USERS[caller]
    with tempfile.TemporaryDirectory() as folder:
        service, *others = start(port, folder, entities)
        try:
            wait_until_ready(port, service)
            before = cpu_seconds(service.pid)
            host = ["--host", f"http://127.0.0.1:{port}", "--locustfile", FILE, caller]
            if "--web" in arguments:
                return subprocess.run(
                    [LOCUST, *host, "--web-host", "127.0.0.1"], cwd=ROOT, check=False
                ).returncode
            seconds = next((int(argument) for argument in arguments if argument.isdigit()), SECONDS)
            bounded = [
                "--headless",
                "--users",
                str(users),
                "--spawn-rate",
                str(users),
                "--run-time",
                f"{seconds}s",
            ]
            quiet, stats = ["--only-summary", "--stop-timeout", "5"], Path(folder) / "stats.json"
            environment = os.environ | {"LOAD_STATS": str(stats)}
            done = subprocess.run(
                [LOCUST, *host, *bounded, *quiet], cwd=ROOT, env=environment, check=False
            )
            spent = cpu_seconds(service.pid) - before
            written = summary(json.loads(stats.read_bytes()), spent, users, done.returncode)
        finally:
            for process in (service, *others):
                process.terminate()
                wait_until_ended(process)
    print(json.dumps(written, indent=1))
    if "--no-write" not in arguments:
        path = RESULTS / ("load_entities.json" if entities else "load.json")
        path.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    return done.returncode


def start(port: int, folder: str, entities: bool = False) -> list[subprocess.Popen]:
    """The service with one worker, as in a pod, and beside
    it the ingestion worker where entities are remembered.
    """
    settings = {
        "FRAUD_ACCESS": "open",
        "FRAUD_WORKERS": "1",
        "FRAUD_PORT": str(port),
        "FRAUD_STATE_DIR": f"{folder}/state",
        "FRAUD_REQUESTS_PER_SECOND": "10000000",
    }
    if entities:
        store = "redis.yaml" if "FRAUD_REDIS" in os.environ else "feature_store.yaml"
        settings |= {
            "FRAUD_MODEL_DIR": "models/entities",
            "FRAUD_FEATURE_STORE": f"feature_repo/{store}",
        }
    environment = settings_from(os.environ, settings)
    return [
        subprocess.Popen(
            [sys.executable, "-m", module], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
        )
        for module in (["serve", "serve.features.ingest"] if entities else ["serve"])
    ]


def settings_from(environment: dict, settings: dict) -> dict:
    """The environment with the service's settings alone changed."""
    return {
        name: value for name, value in environment.items() if not name.startswith("FRAUD_STORE")
    } | settings


def cpu_seconds(pid: int) -> float:
    """CPU time that a process used so far, in user and kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def summary(stats: dict[str, dict], spent: float, users: int, exit_code: int) -> dict[str, float]:
    """Figures by endpoint, and CPU time for each request, of which a batch is one."""
    written: dict[str, float] = {
        f"{NAMES[name]}.{key}": value
        for name, figures in stats.items()
        for key, value in figures.items()
    }
    requests = max(written["all.requests"], 1)
    return written | {
        "cpu_ms_per_request": round(1e3 * spent / requests, 4),
        "users": users,
        "passed": exit_code == 0,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
