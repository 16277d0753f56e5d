"use strict";
/* What decided labels say about all others: the same computation as in decided_labels.py, which explains it, and how
long the list is then, as in rescoring.py.

Its priors and its grid come with the page. A part of the labels is an object of ``sizes``, how many of each bin it has,
and ``decided``, those of them that are decided: each with its ``logOdds``, its ``bin`` and whether it ``isWrong``. */

const LEAST_PRODUCT = 1e-280;

class ReviewPosterior {
  /** ``centres`` are the mean log-odds of the bins, ascending; ``all`` is the part that has all labels;
   * ``numberByAgreement`` is how many are wrong by the agreement of models, null where that does not tell. */
  constructor(constants, centres, all, numberByAgreement) {
    Object.assign(this, { constants, centres, all, numberByAgreement });
    const limit = constants.largest_log_odds;
    const seen = all.decided.map(({ logOdds, isWrong }) => [Math.min(Math.max(logOdds, -limit), limit), isWrong]);
    const coarse = [constants.offsets, constants.log_slopes, constants.floor_roots].map(evenly);
    const massesOf = (grid) => massOf(grid, seen, constants, (offset, slope) => this.numberPrior(offset, slope));
    const grid = partWithMass(coarse, massesOf(coarse), constants.negligible);
    this.byBin = this.probabilities(grid, massesOf(grid));
  }

  /** Return a function that gives, by the floor, the log prior of how many labels are wrong at an offset and slope. */
  numberPrior(offset, slope) {
    if (this.numberByAgreement === null) return () => 0;
    const { tiny, log_number_deviation } = this.constants;
    const seen = sumOf(this.all.sizes.map((size, bin) => size * sigmoid(offset + slope * this.centres[bin])));
    const n = sumOf(this.all.sizes);
    return (floor) => {
      const number = Math.max(floor * n + (1 - floor) * seen, tiny);
      return -0.5 * (Math.log(number / Math.max(this.numberByAgreement, tiny)) / log_number_deviation) ** 2;
    };
  }

  /** Return how many labels of a part are probably wrong. */
  expected(part) {
    const { sizes, wrongForSure } = undecided(part);
    return wrongForSure + sumOf(sizes.map((size, bin) => size * this.byBin[bin]));
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

  /** Return the probability of a wrong label by bin: the mean over the points of the grid, by their mass. */
  probabilities([offsets, logSlopes, roots], mass) {
    const byBin = this.centres.map(() => 0);
    for (let pair = 0; pair < offsets.length * logSlopes.length; pair++) {
      const masses = mass.slice(pair * roots.length, (pair + 1) * roots.length);
      const floor = sumOf(masses.map((one, at) => one * roots[at] ** 2));
      const above = sumOf(masses) - floor;
      const [offset, slope] = [offsets[Math.floor(pair / logSlopes.length)], Math.exp(logSlopes[pair % logSlopes.length])];
      this.centres.forEach((l, bin) => (byBin[bin] += floor + above * sigmoid(offset + slope * l)));
    }
    return byBin;
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
function massOf([offsets, logSlopes, roots], seen, constants, numberPrior) {
  const { offset_deviation, log_slope_mean, log_slope_deviation, floor_scale, tiny } = constants;
  const logMass = [];
  for (const offset of offsets) {
    for (const logSlope of logSlopes) {
      const logSlopePrior = -0.5 * ((logSlope - log_slope_mean) / log_slope_deviation) ** 2;
      const prior = -0.5 * (offset / offset_deviation) ** 2 + logSlopePrior;
      const ofNumber = numberPrior(offset, Math.exp(logSlope));
      const bySight = seen.map(([l]) => sigmoid(offset + Math.exp(logSlope) * l));
      for (const root of roots) {
        let sum = prior - root ** 2 / floor_scale + ofNumber(root ** 2);
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

/** Return by bin how many labels of a part are not decided, and how many are known to be wrong. */
function undecided({ sizes, decided }) {
  const left = [...sizes];
  for (const { bin } of decided) left[bin] -= 1;
  return { sizes: left, wrongForSure: decided.filter((one) => one.isWrong).length };
}
