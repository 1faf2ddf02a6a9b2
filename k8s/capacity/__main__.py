"""``python -m k8s.capacity``: the autoscaler of the
manifests against traffic, from measured CPU time.
"""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import yaml
from matplotlib.figure import Figure

from k8s.capacity.autoscaler import AutoscalerSettings, Policy, Rules
from k8s.capacity.simulation import Outcome, Pod, simulate
from k8s.capacity.traffic import daily_wave, flash_sale, steady

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
UNITS = {"m": 1e-3, "Mi": 2**-10, "Gi": 1.0}


def main() -> None:
    """Simulate, print and write benchmarks/results/capacity.json and capacity.svg."""
    assumed = yaml.safe_load(
        Path(__file__).with_name("assumptions.yaml").read_text(encoding="utf-8")
    )
    load = json.loads((RESULTS / "load.json").read_bytes())
    settings, pod, memory = read_deployment(
        load["cpu_ms_per_request"] / 1e3, assumed["pod_start_seconds"]
    )
    traces = {
        "daily": daily_wave(assumed["daily_peak_rps"]),
        "sale": flash_sale(assumed["sale_base_rps"], assumed["sale_peak_rps"]),
        "loss": steady(assumed["loss_rps"]),
        "paper": steady(assumed["paper_rps"]),
    }
    written: dict[str, float | bool] = {
        "cpu_ms_per_request": load["cpu_ms_per_request"],
        "pod_rps": round(pod.limit_cores / pod.cpu_seconds_per_request),
        "max_rps": round(settings.max_replicas * pod.limit_cores / pod.cpu_seconds_per_request),
        "target_rps": round(
            settings.max_replicas
            * settings.target_utilization
            * pod.request_cores
            / pod.cpu_seconds_per_request
        ),
    }
    written["sale.base_rps"] = assumed["sale_base_rps"]
    outcomes = {}
    hour_usd = pod_hour_usd(pod, memory, assumed)
    for name, traffic in traces.items():
        losses = (
            {1200: -(-int(settings_replicas(traffic[0], pod, settings)) // 3)}
            if name == "loss"
            else None
        )
        outcome = simulate(
            traffic,
            pod,
            settings,
            metric_delay_seconds=assumed["metric_delay_seconds"],
            losses=losses,
        )
        outcomes[name] = outcome
        written |= figures(name, traffic, outcome, hour_usd, assumed)
    print(json.dumps(written, indent=1))
    (RESULTS / "capacity.json").write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    draw(traces, outcomes).savefig(RESULTS / "capacity.svg", metadata={"Date": None})


def read_deployment(
    cpu_seconds: float, start_seconds: float
) -> tuple[AutoscalerSettings, Pod, float]:
    """Autoscaler, pod and requested memory in GiB, of the manifests."""
    base = ROOT / "k8s" / "base"
    spec = yaml.safe_load((base / "autoscaler.yaml").read_text(encoding="utf-8"))["spec"]
    (deployment,) = yaml.safe_load_all((base / "deployment.yaml").read_text(encoding="utf-8"))
    resources = deployment["spec"]["template"]["spec"]["containers"][0]["resources"]
    (metric,) = spec["metrics"]

    def rules(name: str) -> Rules:
        part = spec["behavior"][name]
        policies = tuple(
            Policy(policy["type"], policy["value"], policy["periodSeconds"])
            for policy in part["policies"]
        )
        return Rules(part["stabilizationWindowSeconds"], policies)

    target = metric["containerResource"]["target"]["averageUtilization"] / 100
    settings = AutoscalerSettings(
        spec["minReplicas"], spec["maxReplicas"], target, rules("scaleUp"), rules("scaleDown")
    )
    requested, limit = resources["requests"], resources["limits"]
    pod = Pod(cpu_seconds, quantity(requested["cpu"]), quantity(limit["cpu"]), start_seconds)
    return settings, pod, quantity(requested["memory"])


def quantity(text: str) -> float:
    """Cores or GiB of a Kubernetes quantity."""
    unit = next((unit for unit in UNITS if text.endswith(unit)), "")
    return float(text.removesuffix(unit)) * UNITS.get(unit, 1.0)


def settings_replicas(rps: float, pod: Pod, settings: AutoscalerSettings) -> float:
    """Pods that carry this traffic at the target utilisation."""
    return np.ceil(
        rps * pod.cpu_seconds_per_request / (settings.target_utilization * pod.request_cores)
    )


def pod_hour_usd(pod: Pod, memory: float, assumed: dict) -> float:
    """What a pod costs an hour, in US dollars; the memory it asks for in GiB."""
    return pod.request_cores * assumed["core_hour_usd"] + memory * assumed["gibibyte_hour_usd"]


def figures(
    name: str, traffic: np.ndarray, outcome: Outcome, hour_usd: float, assumed: dict
) -> dict:
    """The figures of one trace; the error budget is that of a month, used by this one event.

    Parameters
    ----------
    hour_usd
        What a pod costs an hour, in US dollars.
    """
    month = assumed["hours_a_month"] * 3600 * traffic.mean()
    return {
        f"{name}.peak_rps": round(float(traffic.max())),
        f"{name}.replicas_max": int(outcome.replicas.max()),
        f"{name}.replicas_mean": round(float(outcome.replicas.mean()), 1),
        f"{name}.shed_share": round(outcome.rejected_share, 6),
        f"{name}.lag_seconds": outcome.lag_seconds,
        f"{name}.budget_used": round(
            float(outcome.rejected.sum()) / (month * (1 - assumed["availability_goal"])), 4
        ),
        f"{name}.usd_a_month": round(
            outcome.pod_hours / (len(traffic) / 3600) * assumed["hours_a_month"] * hour_usd
        ),
    }


def draw(traces: dict[str, np.ndarray], outcomes: dict[str, Outcome]) -> Figure:
    """Traffic above, pods asked for and pods ready below, for each trace that moves."""
    names = {"daily": "daily wave", "sale": "flash sale", "loss": "a third of the pods lost"}
    plt.rcParams["svg.hashsalt"] = "fraud"
    figure, axes = plt.subplots(
        2, len(names), figsize=(10, 4.6), sharex="col", layout="constrained"
    )
    for column, (name, title) in zip(axes.T, names.items(), strict=True):
        hours = np.arange(len(traces[name]))[::5] / 3600
        column[0].plot(hours, traces[name][::5] / 1e3, color="#444444")
        column[0].set(title=title, ylim=(0, None))
        column[1].step(hours, outcomes[name].replicas[::5], color="#0072b2", label="asked for")
        column[1].step(
            hours, outcomes[name].ready[::5], color="#d55e00", label="ready", linewidth=1
        )
        column[1].set(xlabel="hours", ylim=(0, None))
    axes[0, 0].set_ylabel("thousand requests a second")
    axes[1, 0].set_ylabel("pods")
    axes[1, 0].legend(frameon=False)
    return figure


if __name__ == "__main__":
    main()
