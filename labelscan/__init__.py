"""labelscan finds wrong labels in a data set.

It trains a model fold by fold with a robust loss, predicts each example by a model that never saw it, and has detectors
judge the labels by these out-of-fold probabilities. What commands do are functions here, imported with torch, pandas
and cleanlab on first use.
"""

import lazy_loader

__version__ = "0.1.0"

# Importing them here would load torch for ``labelscan --help``.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
