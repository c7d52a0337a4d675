"""predictor: what a prediction needs of a run folder, without the record of the training and what made it."""

import os
from pathlib import Path
from typing import NamedTuple

from descend import store
from descend.options import Options
from descend.run.config import incomplete, options_of
from descend.run.model import Model


class Predictor(NamedTuple):
    """A trained model, and the options that say how its tables are read."""

    model: Model
    options: Options


def load_predictor(folder: str | os.PathLike[str]) -> Predictor:
    """Return the predictor of a run folder; raises ModelError when it has none, or is damaged."""
    folder = Path(folder)
    document = store.read_document(folder)
    try:
        return Predictor(Model.of(*store.read_model(folder)), options_of(document))
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise incomplete(folder, error) from error
