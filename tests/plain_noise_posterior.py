"""The formulas of noise-posterior written down plainly: slow, in float64, and sharing no line with the detector."""

import math

import numpy as np
from scipy.optimize import minimize_scalar


def reference(probs: np.ndarray, labels: np.ndarray, kappa: float, max_steps: int) -> dict[str, np.ndarray]:
    """Return what the formulas say, one number after another."""
    n, k = probs.shape
    log_p = [[math.log(max(float(probs[i, j]), 0.01 / k)) for j in range(k)] for i in range(n)]

    def softmax(scale: float, row: list[float]) -> list[float]:
        top = max(scale * value for value in row)
        weights = [math.exp(scale * value - top) for value in row]
        return [weight / sum(weights) for weight in weights]

    def loss(log_scale: float) -> float:
        scale = math.exp(log_scale)
        return -sum(math.log(softmax(scale, log_p[i])[labels[i]]) for i in range(n)) / n

    b0 = math.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-10}).x)
    pi = [softmax(kappa * b0, row) for row in log_p]
    channel = [[0.9 if j == i else 0.1 / (k - 1) for i in range(k)] for j in range(k)]
    previous = -math.inf
    for _ in range(max_steps):
        q = []
        likelihood = 0.0
        for row in range(n):
            joint = [channel[j][labels[row]] * pi[row][j] for j in range(k)]
            likelihood += math.log(sum(joint)) / n
            q.append([value / sum(joint) for value in joint])
        counts = [[1.0 if j == i else 0.0 for i in range(k)] for j in range(k)]
        for row in range(n):
            for j in range(k):
                counts[j][labels[row]] += q[row][j]
        channel = [[value / sum(row) for value in row] for row in counts]
        if abs(likelihood - previous) < 1e-6:
            break
        previous = likelihood
    error = [1 - q[row][labels[row]] for row in range(n)]
    ranked = sorted(range(n), key=lambda row: -error[row])
    f1 = [2 * sum(error[row] for row in ranked[:size]) / (size + sum(error)) for size in range(1, n + 1)]
    flagged = np.zeros(n, dtype=bool)
    flagged[ranked[: int(np.argmax(f1)) + 1]] = True
    return {
        "error_probability": np.array(error),
        "flagged": flagged,
        "noise_matrix": np.array(channel).T,
    }
