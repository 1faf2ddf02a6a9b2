"""The service against empty routes and other servers,
in one interleaved run on loopback: `make bench-serve`.

PEERS names the Python of an environment with mlserver, mlserver-sklearn, bentoml, pandas and
scikit-learn. Without it, and without granian in this environment, these are left out and their
earlier figures stay.

Each service runs with one worker on the first core, the client (wrk, 32 connections) on the other.
Services take turns, round after round, so that a noisy minute hits all of them. CPU time is that of
the whole process tree of a service.
"""

import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import distribution, requires
from pathlib import Path

from packaging.requirements import Requirement
from serving_figure import draw
from serving_processes import cpu_seconds, resident_mb, started
from serving_services import OPTIONAL, ROOT, SINK_PORT, Service, describe_services, output

RESULTS = Path(__file__).with_name("results") / "serving.json"
CONNECTIONS, SECONDS, ROUNDS = 32, 4, 5
PACED_SECONDS, PACED_CONNECTIONS = 5, 8
# What the Dockerfile deletes from the environment, beside two packages that Litestar's test
# factories ask for.
PRUNED = re.compile(r"(^|/)(tests|testing|f2py)/|\.map$")
SCORED_BY = """from pathlib import Path
from serve.scoring.champion import load_champion
print(load_champion(Path("models/champion")).scored_by)"""
SCRIPT = """wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = io.open("{body}", "rb"); wrk.body = file:read("*a"); file:close()
done = function(summary, latency, requests)
  local errors = summary.errors
  local bad = errors.status + errors.connect + errors.read + errors.timeout
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration, bad,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Round:
    """One service for some seconds."""

    cpu_us: float
    rps: float
    p50_ms: float
    p99_ms: float


def main() -> None:
    """Measure, print and write benchmarks/results/serving.json."""
    if shutil.which("wrk") is None:
        raise SystemExit("error: wrk is needed (Debian: apt-get install wrk)")
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        services = describe_services(Path(scratch))
        sink = subprocess.Popen(
            [sys.executable, "benchmarks/services/sink.py", str(SINK_PORT)], cwd=ROOT
        )
        stack.callback(sink.terminate)
        rounds_by_service: dict[str, list[Round]] = {}
        running = []
        for service in services:
            port, process, seconds = stack.enter_context(started(service))
            running.append((service, port, process, seconds))
            print(f"  {service.name}: ready in {seconds:.1f} s", flush=True)
        for number in range(ROUNDS):
            for service, port, process, _ in running:
                rounds_by_service.setdefault(service.name, []).append(
                    measure(service, port, process, Path(scratch))
                )
            print(f"  round {number + 1} of {ROUNDS}", flush=True)
        paced = at_half_of_saturation(running, rounds_by_service)
        memory = {service.name: resident_mb(process.pid) for service, _, process, _ in running}
        ready = {service.name: seconds for service, _, _, seconds in running}
    earlier = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    kept = {name: value for name, value in earlier.items() if name.startswith(OPTIONAL)}
    written = (
        kept
        | summary(rounds_by_service)
        | paced
        | {
            "predict.resident_mb": round(memory["predict"], 1),
            "predict.ready_seconds": round(ready["predict"], 2),
            "predict.scored_by": output("-c", SCORED_BY).strip(),
            **environment_megabytes(),
            "rounds": ROUNDS,
            "seconds": SECONDS,
            "connections": CONNECTIONS,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "python": platform.python_version(),
        }
    )
    written["goals"] = goals(written)
    print(json.dumps(written, indent=1))
    RESULTS.write_text(json.dumps(written, indent=1) + "\n")
    draw(written, RESULTS.with_suffix(".svg"))


def measure(service: Service, port: int, process: subprocess.Popen, scratch: Path) -> Round:
    """Ask one service for some seconds."""
    (scratch / "body.json").write_text(json.dumps(service.body))
    (scratch / "ask.lua").write_text(SCRIPT.format(body=scratch / "body.json"))
    before = cpu_seconds(process.pid)
    command = [
        "taskset",
        "-c",
        str((os.cpu_count() or 1) - 1),
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{SECONDS}s",
        "--timeout",
        "20s",
        "-s",
        str(scratch / "ask.lua"),
        f"http://127.0.0.1:{port}{service.path}",
    ]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    used = cpu_seconds(process.pid) - before
    requests, duration_us, bad, p50_us, p99_us = map(int, printed.split("RESULT")[1].split())
    if bad or not requests:
        raise SystemExit(f"error: {service.name}: {bad} of {requests} requests failed")
    return Round(1e6 * used / requests, 1e6 * requests / duration_us, p50_us / 1e3, p99_us / 1e3)


def at_half_of_saturation(
    running: list, rounds_by_service: dict[str, list[Round]]
) -> dict[str, float]:
    """99% quantile of a request's time, in ms, of the empty
    route and /predict, at half of what /predict can take.

    One pause of the machine moves the quantile of a round, so rounds alternate and the median of
    them counts.
    """
    rate = statistics.median(one.rps for one in rounds_by_service["predict"]) / 2
    asked = [(s, port) for s, port, _, _ in running if s.name in ("litestar_empty", "predict")]
    rounds = [
        {service.name: paced_p99_ms(service, port, rate) for service, port in asked}
        for _ in range(ROUNDS)
    ]
    return {"paced_rps": round(rate)} | {
        f"{service.name}.p99_at_half_ms": statistics.median(p99[service.name] for p99 in rounds)
        for service, _ in asked
    }


def paced_p99_ms(service: Service, port: int, rate: float) -> float:
    """Send requests at a steady rate and measure each from
    the moment when it was due, so that waiting counts.
    """
    ask = [
        sys.executable,
        "benchmarks/services/paced.py",
        str(port),
        service.path,
        f"{rate:.0f}",
        str(PACED_SECONDS),
    ]
    command = ["taskset", "-c", str((os.cpu_count() or 1) - 1), *ask, str(PACED_CONNECTIONS)]
    body = json.dumps(service.body)
    printed = subprocess.run(
        command, cwd=ROOT, input=body, check=True, capture_output=True, text=True
    ).stdout
    return float(json.loads(printed)["p99_ms"])


def environment_megabytes() -> dict[str, float]:
    """Size of what the package and its extra `serve`
    need: as pip installs it, and as the image keeps it.
    """
    waiting, seen = [Requirement("fraud-research[serve]")], set()
    names: set[str] = set()
    while waiting:
        wanted = waiting.pop()
        if (wanted.name.lower(), *wanted.extras) in seen:
            continue
        seen.add((wanted.name.lower(), *wanted.extras))
        names.add(wanted.name.lower())
        for line in requires(wanted.name) or []:
            need = Requirement(line)
            extras = wanted.extras or {""}
            if need.marker is None or any(
                need.marker.evaluate({"extra": extra}) for extra in extras
            ):
                waiting.append(need)
    # this package itself is installed as a link and counts nothing
    files = [path for name in names - {"fraud-research"} for path in distribution(name).files or []]
    dropped = [path for name in ("faker", "polyfactory") for path in distribution(name).files or []]
    kept = [path for path in files if path not in dropped and not PRUNED.search(str(path))]
    return {
        "environment.megabytes": megabytes(files),
        "environment.in_image_megabytes": megabytes(kept),
    }


def megabytes(files: list) -> float:
    """Size of installed files, without what was compiled."""
    paths = [file.locate() for file in files if file.suffix != ".pyc"]
    return round(sum(path.stat().st_size for path in paths if path.is_file()) / 1e6, 1)


def summary(rounds_by_service: dict[str, list[Round]]) -> dict:
    """Medians over the rounds, and the range of the CPU time."""
    written = {}
    for name, rounds in rounds_by_service.items():
        for metric in ("cpu_us", "rps", "p50_ms", "p99_ms"):
            written[f"{name}.{metric}"] = round(
                statistics.median(getattr(one, metric) for one in rounds), 3
            )
        written[f"{name}.cpu_us_lo"] = round(min(one.cpu_us for one in rounds), 3)
        written[f"{name}.cpu_us_hi"] = round(max(one.cpu_us for one in rounds), 3)
    return written


def goals(m: dict) -> dict[str, dict]:
    """Each goal with its figure, and whether it was reached."""
    empty = m["litestar_empty.cpu_us"]
    figures = {
        "predict, times the empty route": (m["predict.cpu_us"] / empty, 1.8),
        "predict, times the empty typed route": (
            m["predict.cpu_us"] / m["litestar_empty_typed.cpu_us"],
            1.0,
        ),
        "reasons, times the empty route": (m["predict_reasons.cpu_us"] / empty, 3.6),
        "telemetry, times without": (m["predict_telemetry.cpu_us"] / m["predict.cpu_us"], 1.1),
        "durable decisions, times the empty route": (m["decisions.cpu_us"] / empty, 8.0),
        "requests a second of the FastAPI frame with a random forest, share of ours": (
            m["fastapi_sklearn_dataframe.rps"] / m["predict.rps"],
            0.01,
        ),
        "requests a second of the FastAPI frame with gradient boosting, share of ours": (
            m["fastapi_sklearn_boosting.rps"] / m["predict.rps"],
            0.01,
        ),
        "requests a second of mlflow serve, share of ours": (
            m["mlflow_serve.rps"] / m["predict.rps"],
            1 / 15,
        ),
        "p99 at half of saturation, times the empty route": (
            m["predict.p99_at_half_ms"] / m["litestar_empty.p99_at_half_ms"],
            2.0,
        ),
        "resident megabytes": (m["predict.resident_mb"], 100.0),
        "seconds until ready": (m["predict.ready_seconds"], 2.0),
        "megabytes of the environment": (m["environment.megabytes"], 150.0),
        "megabytes of the environment in the image": (m["environment.in_image_megabytes"], 150.0),
    }
    for peer, name in (("mlserver", "MLServer"), ("bentoml", "BentoML")):
        if f"{peer}.rps" in m:
            figures[f"requests a second of {name}, share of ours"] = (
                m[f"{peer}.rps"] / m["predict.rps"],
                1 / 15,
            )
    return {
        name: {"figure": round(figure, 3), "at_most": round(limit, 3), "reached": figure <= limit}
        for name, (figure, limit) in figures.items()
    }


if __name__ == "__main__":
    main()
