"use strict";
/* What decided labels say about all others: the same computation as in decided_labels.py, which explains it, and how
long the list is then, as in rescoring.py.

Its priors and its grid come with the page. A part of the labels is an object of ``sizes``, how many of each bin it has,
and ``decided``, those of them that are decided: each with its ``logOdds``, its ``bin`` and whether it ``isWrong``. */

const LEAST_PRODUCT = 1e-280;

class ReviewPosterior {
  /** ``centres`` are the mean log-odds of the bins, ascending; ``all`` is the part that has all labels. */
  constructor(constants, centres, all) {
    Object.assign(this, { constants, centres, all });
    const limit = constants.largest_log_odds;
    const seen = all.decided.map(({ logOdds, isWrong }) => [Math.min(Math.max(logOdds, -limit), limit), isWrong]);
    const coarse = [constants.offsets, constants.log_slopes, constants.floor_roots].map(evenly);
    const grid = partWithMass(coarse, massOf(coarse, seen, constants), constants.negligible);
    this.draws = this.draw(grid, massOf(grid, seen, constants));
    this.byBin = centres.map((_, bin) => this.draws.reduce((sum, draw) => sum + draw[bin], 0) / this.draws.length);
  }

  /** Return how many of all labels are wrong, as a range. */
  nWrong() {
    return this.rangeOf(this.count(this.all), sumOf(this.all.sizes));
  }

  /** Return the share of ``n`` labels that is wrong, as a range; ``inside`` is what ``count`` returns. */
  share(inside, n) {
    const { estimate, low, high } = this.rangeOf(inside, n);
    return { estimate: estimate / n, low: low / n, high: high / n };
  }

  /** Return the share of all wrong labels that are ``inside`` a part and not ``outside``, as a range. */
  found(inside, outside) {
    const shares = inside.counts.map((one, draw) => {
      const total = one + outside.counts[draw];
      return total > 0 ? one / Math.max(total, 1e-9) : 1;
    });
    const deviations = shares.map((share, draw) => {
      const total = Math.max(inside.counts[draw] + outside.counts[draw], 1e-9);
      return Math.hypot(inside.deviations[draw] * (1 - share), outside.deviations[draw] * share) / total;
    });
    return this.range(shares, deviations, 0, 1);
  }

  /** Return how many labels, most likely wrong first, are wrong often enough for a review to pay. */
  nWorthALook() {
    const { sizes, wrongForSure } = undecided(this.all);
    return wrongForSure + sumOf(sizes.filter((_, bin) => this.byBin[bin] >= this.constants.worth_a_look));
  }

  /** Return how many labels would be on the list if the run were re-scored: the set with the highest expected F1.
   * Labels decided to be wrong are always in it, and those decided to be right never. */
  nListedRescored() {
    const { sizes, wrongForSure } = undecided(this.all);
    const expected = sizes.map((size, bin) => size * this.byBin[bin]);
    const total = wrongForSure + sumOf(expected);
    let [n, wrong] = [wrongForSure, wrongForSure];
    let best = total ? (2 * wrong) / (n + total) : 0;
    for (let bin = sizes.length - 1; bin >= 0; bin--) {
      n += sizes[bin]; // whole bins are enough: within one, the expected F1 only rises or only falls
      wrong += expected[bin];
      if (n) best = Math.max(best, (2 * wrong) / (n + total));
    }
    const noneIsWrong = wrongForSure ? 0 : sizes.reduce((all, size, bin) => all * (1 - this.byBin[bin]) ** size, 1);
    if (noneIsWrong >= best) return 0;
    return wrongForSure + sumOf(sizes.filter((_, bin) => this.byBin[bin] > best / 2));
  }

  /** Return how many decided labels are outside of the quarter most likely wrong. */
  nUndoubted() {
    const most = this.constants.undoubted_share * sumOf(this.all.sizes);
    let before = 0; // in bins of lower log-odds
    const isUndoubted = this.all.sizes.map((size) => (before += size) - size < most);
    return this.all.decided.filter(({ bin }) => isUndoubted[bin]).length;
  }

  /** Return about how many more decisions, of labels that are left, would halve the intervals. */
  decisionsToHalve() {
    const nDecided = this.all.decided.length; // intervals shrink with the root of the number
    return Math.min(3 * nDecided, sumOf(this.all.sizes) - nDecided);
  }

  /** Return for each draw how many of a part are wrong, the deviation of what chance adds to it, and what is known. */
  count(part) {
    const { sizes, wrongForSure, rightForSure } = undecided(part);
    const bins = [...sizes.keys()].filter((bin) => sizes[bin] > 0);
    const sum = (value) => this.draws.map((draw) => bins.reduce((sum, bin) => sum + value(draw[bin]) * sizes[bin], 0));
    return {
      counts: sum((share) => share).map((one) => one + wrongForSure),
      deviations: sum((share) => share * (1 - share)).map(Math.sqrt),
      wrongForSure,
      rightForSure,
    };
  }

  /** Return a count of ``n`` labels as a range: no fewer and no more than the decided ones among them allow, and
   * possibly none while no decided label is wrong. */
  rangeOf({ counts, deviations, wrongForSure, rightForSure }, n) {
    const range = this.range(counts, deviations, wrongForSure, n - rightForSure);
    return this.all.decided.some(({ isWrong }) => isWrong) ? range : { ...range, low: 0 };
  }

  /** Return the median of draws and the limits of their interval, widened by what chance adds to each draw. */
  range(values, deviations, least, most) {
    const { tail, normal_quantile } = this.constants;
    const sorted = [...values].sort((one, other) => one - other);
    const [low, middle, high] = [tail, 0.5, 1 - tail].map((share) => quantile(sorted, share));
    const chance = normal_quantile * Math.sqrt(sumOf(deviations.map((one) => one ** 2)) / deviations.length);
    const within = (value) => Math.min(Math.max(value, least), most);
    return {
      estimate: within(middle),
      low: within(middle - Math.hypot(middle - low, chance)),
      high: within(middle + Math.hypot(high - middle, chance)),
    };
  }

  /** Return draws of the posterior, in the order of the count: for each the probability of a wrong label by bin. */
  draw(grid, mass) {
    const sizes = this.all.sizes;
    const n = sumOf(sizes);
    const points = pointsOf(grid);
    const counts = [];
    for (const offset of grid[0]) {
      for (const logSlope of grid[1]) {
        const slope = Math.exp(logSlope);
        const expected = this.centres.reduce((sum, l, bin) => sum + sigmoid(offset + slope * l) * sizes[bin], 0);
        for (const root of grid[2]) counts.push(root ** 2 * n + (1 - root ** 2) * expected);
      }
    }
    const order = [...counts.keys()].sort((one, other) => counts[one] - counts[other]);
    const draws = [];
    let [place, below] = [0, mass[order[0]]];
    for (let draw = 0; draw < this.constants.n_draws; draw++) {
      while (below < (draw + 0.5) / this.constants.n_draws && place < order.length - 1) below += mass[order[++place]];
      const [offset, logSlope, root] = points(order[place]);
      draws.push(this.centres.map((l) => wrongOf(sigmoid(offset + Math.exp(logSlope) * l), root ** 2)));
    }
    return draws;
  }
}

const sumOf = (numbers) => numbers.reduce((sum, one) => sum + one, 0);
const sigmoid = (value) => 1 / (1 + Math.exp(-value));
/** Return the probability that a label is wrong: that of what models see, and the floor for what they do not. */
const wrongOf = (seen, floor) => floor + (1 - floor) * seen;
const evenly = ([first, last, n]) => Array.from({ length: n }, (_, at) => first + ((last - first) * at) / (n - 1));

/** Return a function that gives the offset, log slope and root of the floor of a point of the grid by its number. */
function pointsOf([offsets, logSlopes, roots]) {
  return (number) => {
    const [pair, root] = [Math.floor(number / roots.length), number % roots.length];
    return [offsets[Math.floor(pair / logSlopes.length)], logSlopes[pair % logSlopes.length], roots[root]];
  };
}

/** Return the posterior mass of each point of the grid; all sum to 1. ``seen`` are pairs of log-odds and error. */
function massOf([offsets, logSlopes, roots], seen, constants) {
  const { offset_deviation, log_slope_deviation, floor_scale, tiny } = constants;
  const logMass = [];
  for (const offset of offsets) {
    for (const logSlope of logSlopes) {
      const prior = -0.5 * (offset / offset_deviation) ** 2 - 0.5 * (logSlope / log_slope_deviation) ** 2;
      const bySight = seen.map(([l]) => sigmoid(offset + Math.exp(logSlope) * l));
      for (const root of roots) {
        let sum = prior - root ** 2 / floor_scale;
        let product = 1; // one logarithm for as many factors as fit into a number
        for (let place = 0; place < seen.length; place++) {
          const probability = wrongOf(bySight[place], root ** 2);
          product *= Math.max(seen[place][1] ? probability : 1 - probability, tiny);
          if (product > LEAST_PRODUCT) continue;
          sum += Math.log(product);
          product = 1;
        }
        logMass.push(sum + Math.log(product));
      }
    }
  }
  const most = logMass.reduce((one, other) => Math.max(one, other));
  const mass = logMass.map((one) => Math.exp(one - most));
  const total = sumOf(mass);
  return mass.map((one) => one / total);
}

/** Return a grid of as many points on the part that holds nearly all of the mass, a step wider on each side. */
function partWithMass(grid, mass, negligible) {
  const points = pointsOf(grid.map((axis) => [...axis.keys()]));
  const sums = grid.map((axis) => axis.map(() => 0));
  mass.forEach((one, number) => points(number).forEach((at, axis) => (sums[axis][at] += one)));
  return grid.map((axis, number) => {
    let below = 0;
    const cumulated = sums[number].map((one) => (below += one));
    const reaching = (share) => cumulated.filter((one) => one < share).length;
    const first = Math.max(reaching(negligible) - 1, 0);
    const last = Math.min(reaching(1 - negligible) + 1, axis.length - 1);
    return evenly([axis[first], axis[last], axis.length]);
  });
}

/** Return by bin how many labels of a part are not decided, and how many are known to be wrong and right. */
function undecided({ sizes, decided }) {
  const left = [...sizes];
  for (const { bin } of decided) left[bin] -= 1;
  const wrongForSure = decided.filter((one) => one.isWrong).length;
  return { sizes: left, wrongForSure, rightForSure: decided.length - wrongForSure };
}

/** Return a quantile of sorted numbers, between neighbours by proportion. */
function quantile(sorted, share) {
  const place = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return low + (high - low) * (place - Math.floor(place));
}
