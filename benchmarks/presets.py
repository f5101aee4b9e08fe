"""The preset *Denoise a photo* against its promise:

    uv run benchmarks/presets.py

Both students must be at least 6 dB above the noisy input within 60 s on two cores. Prints when they were, and where
they end; evaluations are part of the time, previews are not drawn.
"""

from __future__ import annotations

import time

from kdexplorer.events import Evaluated, RunFinished
from kdexplorer.presets import preset_config
from kdexplorer.training import fit

GAIN = 6.0


def main() -> None:
    config = preset_config("denoise")
    begin, reached = time.perf_counter(), None
    for event in fit(config):
        if isinstance(event, Evaluated):
            seconds = time.perf_counter() - begin
            gains = {name: scores["psnr"] - event.input["psnr"] for name, scores in event.variants.items()}
            if reached is None and min(gains.values()) >= GAIN:
                reached = seconds
                print(f"both students {GAIN:g} dB above the input after {seconds:.1f} s, step {event.step}")
            last = event
        elif isinstance(event, RunFinished):
            shown = ", ".join(f"{name} {gain:+.2f} dB" for name, gain in gains.items())
            print(
                f"after all {event.step} steps, {event.seconds:.1f} s: {shown} over {last.input['psnr']:.2f} dB"
            )
            print(f"teacher {last.teacher['psnr']:.2f} dB; {last.verdicts[0].sentence}")


if __name__ == "__main__":
    main()
