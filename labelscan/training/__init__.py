"""Training: a fresh model for each fold, which predicts the examples that it never saw."""
