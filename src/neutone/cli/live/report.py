"""The report of a live host, in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neutone.engine.live import Live

if TYPE_CHECKING:
    from neutone.engine.stats import Durations
    from neutone.plugins import LiveHost


def _microseconds(times: Durations) -> dict[str, float]:
    values = {"median": times.percentile(50), "p99": times.percentile(99), "longest": times.longest}
    return {name: round(1e6 * seconds, 2) for name, seconds in values.items()}


def live_report(host: LiveHost, host_name: str, seconds: float, ended: str) -> dict[str, Any]:
    """Return everything for JSON. Frames are the host's; times are in microseconds."""
    engine, stats, latency = host.engine, host.stats, host.latency
    live, counted = Live.of(engine).stats, engine.stats
    milliseconds = round(latency.milliseconds(engine.sample_rate), 3)
    return {
        "model": engine.model.metadata.model_name,
        "host": host_name,
        "client": getattr(host, "client_name", None),
        "sample_rate": engine.sample_rate,
        "block_size": engine.block_size,
        "channels": engine.channels,
        "latency": {**latency._asdict(), "total": latency.total, "ms": milliseconds},
        "seconds": round(seconds, 3),
        "blocks": stats.blocks,
        "xruns": stats.xruns,
        "late_frames": stats.late_frames,
        "hurried_frames": live.hurried_frames,
        "refused_blocks": live.refused_blocks,
        "lost_frames": live.lost_frames,
        "load": round(stats.load, 6),
        "inference_us": _microseconds(live.model_times),
        "callback_us": _microseconds(live.callback_times),
        "failed_blocks": counted.failed_blocks,
        "nonfinite_output": counted.nonfinite_output,
        "model_error": None if engine.error is None else str(engine.error),
        "scheduling": counted.scheduling,
        "parameters": dict(engine.parameters),
        "ended": ended,
        "error": None if host.error is None else str(host.error),
    }


def report_lines(report: dict[str, Any]) -> list[str]:
    """Return the report as a few lines for people to read."""
    latency, inference = report["latency"], report["inference_us"]
    parts = " + ".join(f"{latency[part]} {part}" for part in ("resampling", "buffering", "model", "slack"))
    lines = [
        f"{report['blocks']} blocks of {report['block_size']} frames at {report['sample_rate']} Hz in "
        f"{report['seconds']:.1f} s; load {report['load']:.1%}",
        f"latency {latency['total']} frames, {latency['ms']:.1f} ms: {parts}",
        f"xruns {report['xruns']}, late frames {report['late_frames']} ({report['hurried_frames']} of them while the "
        f"server was catching up), lost frames {report['lost_frames']}",
        f"inference {inference['median']:.0f} us (median), {inference['p99']:.0f} us (99 %), "
        f"{inference['longest']:.0f} us (longest)",
    ]
    if report["failed_blocks"] or report["nonfinite_output"]:
        lines.append(
            f"the model failed in {report['failed_blocks']} blocks and returned {report['nonfinite_output']} samples "
            f"that are not finite"
        )
    if report["model_error"]:
        lines.append(f"last failure: {report['model_error']}")
    return lines
