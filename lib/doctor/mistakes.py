"""The mistakes that the doctor knows, from advice.yaml. notebooks/common_mistakes trains networks with them."""

from pathlib import Path
from typing import NamedTuple

from lib.files import read_yaml


class Advice(NamedTuple):
    """One mistake: what was done, where to look for it, and which picture of which setting shows it best."""

    did: str
    look: str
    picture: str
    setting: int


ADVICE = {name: Advice(**words) for name, words in read_yaml(Path(__file__).with_name("advice.yaml")).items()}
RIGHT = "right"  # the name of the procedure without a mistake
