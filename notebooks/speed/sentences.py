"""Sentences, tables and captions on the benchmark's results. They are tested on made-up results."""

import numpy as np

from notebooks.speed.race import BESIDE, LARGE, OURS, STACKED, Race, Steps, exponent, growth
from report.words import Caption, Finding, Sentences, Table, percent

COURSE = "the course's style"


def on_work(race: Race) -> Sentences:
    """Return sentences on the work that every contender does, the machine used, and how much the timings vary."""
    work, machine = race.work, race.machine
    unsteady, unsteady_ratios = race.unsteadiness()
    return [
        f"All contenders do the same work: {work.n:,} training images in mini-batches of {work.n_batch}, {work.n_epochs} epochs, loss and accuracy on the training images and on {work.n_val:,} validation images after every epoch. They take turns, {race.n_rounds} rounds, each turn in a process of its own.",
        f"The machine is a virtual one with {machine.cores} cores ({machine.cpu}), and each contender may use them all. It is shared, so seconds differ from hour to hour; over the rounds they range by {percent(unsteady, 0)} of their median, as a mean over the contenders.",
        Finding(
            "speed/ratios are steadier",
            unsteady_ratios < unsteady,
            f"Ratios within a round are steadier, with {percent(unsteady_ratios, 0)}: compare those.",
            f"Ratios within a round range by {percent(unsteady_ratios, 0)}. Still, compare those: another machine has other seconds.",
        ),
    ]


def on_others(race: Race) -> Sentences:
    """Return sentences on how much longer other libraries take than this project, and on the evaluation's share."""

    def times(beside: str, name: str = OURS, evaluated: bool = True) -> str:
        return f"{np.median(race.ratio(name, beside, evaluated)):.1f}"

    whole, training = (np.median(race.turns(evaluated)[OURS].per_setting) for evaluated in (True, False))
    return [
        f"For one setting, PyTorch on tensors in memory takes {times(BESIDE)} times as long as this project, PyTorch with its DataLoader {times('PyTorch DataLoader')} times, JAX {times('JAX jit')} times, and the course's own style, in float64 with columns for images, {times(COURSE)} times ([Figure](#fig-speed)).",
        f"Stacks gain more ([Table](#tab-speed)). Settings that share their batches read the images once for all of them, and their products are large enough to keep the processor busy. For one of 32 settings, PyTorch takes {times(BESIDE, STACKED)} times as long, and {times(BESIDE, STACKED, False)} times if nothing is evaluated ([Table](#tab-speed-alone)).",
        f"After every epoch, a network is evaluated on all training and validation images. For one setting, that is {percent(1 - training / whole, 0)} of the time.",
    ]


def race_caption(race: Race) -> Caption:
    medians = "; ".join(f"{row.name} {np.median(row.seconds):.2f}" for row in race.rows())
    return (
        "fig-speed",
        "Seconds to train and evaluate a setting, on a logarithmic axis. Dots are medians, bars the range of the rounds. The upright mark is the least that the machine allows.",
        f"A dot plot. Median seconds a setting: {medians}.",
    )


def race_table(race: Race, evaluated: bool = True) -> Table:
    """Return the table of every contender's median and range, with the machine's limit as the last row."""
    versions = ", ".join(f"{name} {number}" for name, number in race.machine.versions.items())
    header = ["", "seconds a setting", f"times as fast as {BESIDE}", "of the limit"]
    rows = [row.cells() for row in [*race.rows(evaluated), race.bound(evaluated)]]
    if not evaluated:
        return header, rows, "tab-speed-alone", "Training alone, without the evaluation after every epoch."
    caption = f"The same in numbers: the median, and the range over {race.n_rounds} rounds. The limit is explained below. Measured with {versions}; NumPy's products by {', '.join(race.machine.blas)}."
    return header, rows, "tab-speed", caption


def on_limit(race: Race) -> Sentences:
    """Return sentences on how close training comes to the machine's limit, and on what sets that limit."""
    rows = {row.name: row for row in race.rows(evaluated=False)}
    by_memory = {M: race.least(M, False) > 1.001 * race.least(10**6, False) for M in (1, LARGE)}
    sets = {M: "memory sets" if by_memory[M] else "the products set" for M in by_memory}
    operations, copied = np.median(race.limit.operations), np.median(race.limit.bytes)
    return [
        f"Here a large product of float32 matrices does {operations / 1e9:.0f} thousand million operations a second, and a copy reads and writes {copied / 1e9:.1f} GB a second. Training a stack of {LARGE} reaches {rows[STACKED].cells()[-1]} of the limit, which {sets[LARGE]}; a setting by itself reaches {rows[OURS].cells()[-1]} of its own, which {sets[1]}. Its matrices have ten columns, too few to keep the processor busy.",
        f"The limit leaves room for {np.median(rows[BESIDE].seconds) / rows[STACKED].limit:.1f} times PyTorch's speed in training alone, however the program is written.",
    ]


def in_stack(race: Race) -> tuple[int, float]:
    """Return the size of the largest stack, and a setting's time in it as a share of its time when trained alone."""
    sizes, took = growth(race.stack)
    return sizes[-1], took[-1] / sizes[-1] / took[0]


def growth_caption(race: Race) -> Caption:
    M, share = in_stack(race)
    return (
        "fig-growth",
        "Median seconds over images, over epochs, and for each setting of a stack. Both axes are logarithmic; on the dotted lines, time is in proportion.",
        f"Three line charts. Time grows with the images to the power {exponent(race.images):.2f} and with the epochs to the power {exponent(race.epochs):.2f}. A setting in a stack of {M} takes {share:.2f} of the time it takes by itself.",
    )


def on_growth(race: Race) -> Sentences:
    """Return sentences on how time and memory grow with the images, the epochs and the settings."""
    (M, share), memory = in_stack(race), race.megabytes()
    return [
        f"Time grows with the images to the power {exponent(race.images):.2f} and with the epochs to the power {exponent(race.epochs):.2f} ([Figure](#fig-growth)). In proportion would be 1. A setting in a stack of {M} takes {percent(share, 0)} of the time that it takes by itself.",
        f"A process that trains one setting on data_batch_1 holds {memory['data_batch_1']:.0f} MB at most, and {memory['all']:.0f} MB with all five batches.",
    ]


def steps_table(steps: Steps) -> Table:
    """Return the table of how long `make report` takes after each change."""
    rows = [[name, f"{took:.1f}"] for name, took in steps.seconds.items()]
    caption = f"Seconds of one run of each, on {steps.machine.cores} cores ({steps.machine.cpu}), with the data and the environment ready."
    return ["what is done", "seconds"], rows, "tab-steps", caption
