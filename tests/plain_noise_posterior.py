"""The formulas of noise-posterior written down plainly: slow, in float64, and sharing no line with the detector."""

import math

import numpy as np
from scipy.optimize import minimize_scalar


def softmax(scale: float, row: list[float]) -> list[float]:
    top = max(scale * value for value in row)
    weights = [math.exp(scale * value - top) for value in row]
    return [weight / sum(weights) for weight in weights]


def logs(probs: np.ndarray) -> list[list[float]]:
    n, k = probs.shape
    return [[math.log(max(float(probs[i, j]), 0.01 / k)) for j in range(k)] for i in range(n)]


def calibration(log_p: list[list[float]], labels: np.ndarray) -> float:
    def loss(log_scale: float) -> float:
        scale = math.exp(log_scale)
        return -sum(math.log(softmax(scale, row)[label]) for row, label in zip(log_p, labels, strict=True))

    return math.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-10}).x)


def channel_of(
    log_p: list[list[float]],
    labels: np.ndarray,
    exponent: float,
    max_steps: int,
    *,
    fit_exponent: bool = False,
    noise_rate: float | None = None,
    start: list[list[float]] | None = None,
) -> tuple[float, list[list[float]], list[list[float]], list[list[float]]]:
    """Return the exponent, the channel of the last E-step, what its M-step made of it, and the posteriors."""
    n, k = len(log_p), len(log_p[0])
    following = start or [[0.9 if j == i else 0.1 / (k - 1) for i in range(k)] for j in range(k)]
    previous, sharper = -math.inf, exponent
    for _ in range(max_steps):
        channel, exponent = following, sharper
        pi = [softmax(exponent, row) for row in log_p]
        joints = [[channel[j][labels[row]] * pi[row][j] for j in range(k)] for row in range(n)]
        q = [[value / sum(joint) for value in joint] for joint in joints]
        right, wrong = (1.0, 0.0) if noise_rate is None else (10 * (1 - noise_rate), 10 * noise_rate / (k - 1))
        counts = [[right if j == i else wrong for i in range(k)] for j in range(k)]
        for row in range(n):
            for j in range(k):
                counts[j][labels[row]] += q[row][j]
        following = [[value / sum(row) for value in row] for row in counts]
        likelihood = sum(math.log(sum(joint)) for joint in joints) / n
        if abs(likelihood - previous) < 1e-6:
            break
        previous = likelihood
        if fit_exponent:
            slope = sum((q[i][j] - pi[i][j]) * log_p[i][j] for i in range(n) for j in range(k))
            means = [sum(pi[i][j] * log_p[i][j] for j in range(k)) for i in range(n)]
            spread = sum(pi[i][j] * (log_p[i][j] - means[i]) ** 2 for i in range(n) for j in range(k))
            sharper = min(max(exponent + 1.5 * slope / spread, math.exp(-3)), math.exp(3))
    return exponent, channel, following, q


def shifted(odds: list[float], total: float) -> list[float]:
    """Return probabilities of the square roots of odds, all multiplied by one factor so that they sum to ``total``."""
    lower, upper = -60.0, 60.0
    for _ in range(200):
        factor = math.exp((lower + upper) / 2)
        probabilities = [math.sqrt(odd) * factor / (1 + math.sqrt(odd) * factor) for odd in odds]
        lower, upper = ((lower + upper) / 2, upper) if sum(probabilities) < total else (lower, (lower + upper) / 2)
    return probabilities


def reference(
    probs: np.ndarray,
    labels: np.ndarray,
    kappa: float = 2.0,
    label_doubt: float = 1.0,
    max_steps: int = 30,
    train_probs: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Return what the formulas say, one number after another."""
    n = len(labels)
    log_p = logs(probs)
    calibrated = calibration(log_p, labels)
    overfit = 0.0
    if train_probs is not None:
        missed, missed_in_training = (
            sum(int(np.argmax(rows[i]) != labels[i]) for i in range(n)) for rows in (probs, train_probs)
        )
        overfit = min(max(1 - missed_in_training / missed, 0), 1) if missed else 0
    share = label_doubt * (1 - overfit) ** 2
    likeliest, _, _, fewest = channel_of(log_p, labels, calibrated, 2 * max_steps, fit_exponent=True)
    exponent = likeliest ** (1 - share) * (kappa * calibrated) ** share
    _, _, refitted, q = channel_of(log_p, labels, exponent, max_steps)
    total = sum(1 - q[row][labels[row]] for row in range(n))
    ranked_by, exponent = log_p, kappa * calibrated
    if train_probs is not None:
        weight = (1 - overfit**4) / 2
        pairs = zip(log_p, logs(train_probs), strict=True)
        ranked_by = [[(1 - weight) * a + weight * b for a, b in zip(*rows, strict=True)] for rows in pairs]
        exponent = kappa * calibration(ranked_by, labels)
    _, _, _, q = channel_of(ranked_by, labels, exponent, max_steps, noise_rate=max(total, 1) / n, start=refitted)
    odds = [(1 - q[row][labels[row]]) / q[row][labels[row]] for row in range(n)]
    error = shifted(odds, total)
    ranked = sorted(range(n), key=lambda row: -error[row])
    f1 = [2 * sum(error[row] for row in ranked[:size]) / (size + sum(error)) for size in range(1, n + 1)]
    flagged = np.zeros(n, dtype=bool)
    flagged[ranked[: int(np.argmax(f1)) + 1]] = True
    missed = sum(int(np.argmax(probs[row]) != labels[row]) for row in range(n))
    low = (1 - missed / n) * min(sum(1 - fewest[row][labels[row]] for row in range(n)), total) / 1.25
    high = max(missed, 1.25 * total)
    return {
        "error_probability": np.array(error),
        "flagged": flagged,
        "noise_matrix": np.array(refitted).T,
        "wrong_labels": np.array([total, low, high]),
        "odds": np.array(odds),
    }
