"use strict";
/* How many labels are wrong by a drawn sample alone: the same computation as in interval.py, which explains it.

Labels are in cells, each with its ``stratum``, whether it is ``isListed`` and its number ``n``; decided ones say the
first two, whether they are wrong (``isWrong``) and whether they were drawn (``isDrawn``). */

class Interval {
  constructor(constants, cells, decided) {
    Object.assign(this, { constants, cells, decided });
    this.nAll = sumOf(cells.map(({ n }) => n));
  }

  /** Return the ends of the number of wrong labels in the cells that ``isIn`` accepts. */
  nWrong(isIn = () => true) {
    const [low, high] = this.ends(isIn);
    const { interval_tail } = this.constants;
    const known = this.decided.filter(isIn);
    const nKnownWrong = known.filter(({ isWrong }) => isWrong).length;
    const most = sumOf(this.cells.filter(isIn).map(({ n }) => n)) - (known.length - nKnownWrong);
    return {
      low: Math.max(this.quantile(low, interval_tail), nKnownWrong),
      high: Math.min(this.quantile(high, 1 - interval_tail), most),
    };
  }

  /** Return the ends of the share of all wrong labels in the cells that ``isIn`` accepts. */
  share(isIn) {
    const [inside, outside] = [this.ends(isIn), this.ends((cell) => !isIn(cell))];
    const { interval_tail, n_quantiles } = this.constants;
    const levels = Array.from({ length: n_quantiles }, (_, at) => (at + 0.5) / n_quantiles);
    const sharesOf = (within, without) => {
      const [ones, others] = [within, without].map((each) => levels.map((level) => this.quantile(each, level)));
      const shares = ones.flatMap((one) => others.map((other) => (one + other > 0 ? one / (one + other) : 1)));
      return shares.sort((one, other) => one - other);
    };
    return {
      low: quantile(sharesOf(inside[0], outside[1]), interval_tail),
      high: quantile(sharesOf(inside[1], outside[0]), 1 - interval_tail),
    };
  }

  /** Return the distributions of the wrong labels for the lower and the upper end, in steps of all labels. */
  ends(isIn) {
    let ends = [[1], [1]];
    const strata = new Map();
    for (const cell of this.cells.filter(isIn)) strata.set(cell.stratum, (strata.get(cell.stratum) ?? 0) + cell.n);
    for (const [stratum, n] of strata) {
      const known = this.decided.filter((one) => one.stratum === stratum && isIn(one));
      const drawn = known.filter(({ isDrawn }) => isDrawn);
      const x = drawn.filter(({ isWrong }) => isWrong).length;
      const nKnownWrong = known.filter(({ isWrong }) => isWrong).length;
      const { half, mistaken } = this.constants;
      const posteriors = [
        [x, drawn.length - x + half, mistaken],
        [x + half, drawn.length - x, 0],
      ];
      const limits = [nKnownWrong, n - (known.length - nKnownWrong)];
      const parts = posteriors.map((one) => this.distribution(n - drawn.length, drawn.length, one, x, limits));
      ends = ends.map((end, at) => convolved(end, parts[at], this.constants.n_steps));
    }
    return ends;
  }

  distribution(nLeft, n, [a, b, mistaken], x, [least, most]) {
    const { n_steps, n_angles } = this.constants;
    const narrower = nLeft / (nLeft + n + 1);
    let values = [[a === 0 || nLeft === 0 ? 0 : 1, 1]]; // pairs of a share and its weight
    if (nLeft > 0 && a > 0 && b > 0) {
      const angles = Array.from({ length: n_angles }, (_, at) => (((at + 0.5) / n_angles) * Math.PI) / 2);
      const logs = angles.map(
        (angle) =>
          (2 * a * narrower - 1) * Math.log(Math.sin(angle)) + (2 * b * narrower - 1) * Math.log(Math.cos(angle)),
      );
      const largest = logs.reduce((one, other) => Math.max(one, other));
      values = angles.map((angle, at) => [Math.sin(angle) ** 2, Math.exp(logs[at] - largest)]);
    }
    const counts = new Array(n_steps + 1).fill(0);
    const total = sumOf(values.map(([, weight]) => weight));
    for (const [observed, weight] of values) {
      const share = Math.min(Math.max((observed - mistaken) / (1 - 2 * mistaken), 0), 1);
      const place = (Math.min(Math.max(x + nLeft * share, least), most) / this.nAll) * n_steps;
      const below = Math.min(Math.floor(place), n_steps - 1);
      counts[below] += (weight / total) * (1 - (place - below));
      counts[below + 1] += (weight / total) * (place - below);
    }
    return counts;
  }

  quantile(distribution, level) {
    const most = level * sumOf(distribution);
    let sum = 0;
    const step = distribution.findIndex((one) => (sum += one) >= most);
    return ((step < 0 ? distribution.length - 1 : step) / this.constants.n_steps) * this.nAll;
  }
}

/** Return the distribution of the sum of two counts, of ``nSteps`` steps at most. */
function convolved(one, other, nSteps) {
  const sum = new Array(Math.min(one.length + other.length - 1, nSteps + 1)).fill(0);
  one.forEach((chance, at) => {
    if (chance < 1e-15) return;
    const end = Math.min(other.length, sum.length - at);
    for (let more = 0; more < end; more++) sum[at + more] += chance * other[more];
  });
  return sum;
}

/** Return a quantile of sorted numbers, between neighbours by proportion. */
function quantile(sorted, share) {
  const place = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return low + (high - low) * (place - Math.floor(place));
}
