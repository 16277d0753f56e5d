"""Detection: from out-of-fold probabilities to label quality and flags."""
