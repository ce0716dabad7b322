import { countingMaker } from './edges.ts';
import type { Edges } from './edges.ts';
import {
  averageOverTime,
  countOverTime,
  deviationOverTime,
  firstOverTime,
  lastOverTime,
  maximumOverTime,
  medianDeviationOverTime,
  minimumOverTime,
  presentOverTime,
  quantileOverTime,
  sumOverTime,
  timeOfFirst,
  timeOfLast,
  timeOfMaximum,
  timeOfMinimum,
  varianceOverTime,
} from './over-time.ts';
import { instantRateMaker, rateMaker } from './rates.ts';
import { derivative, doubleExponentialSmoothing, predictLinear } from './trends.ts';
import type { WindowFunctionMaker } from './window-function.ts';

const fell = (previous: number, current: number): boolean => current < previous;
const differs = (previous: number, current: number): boolean =>
  current !== previous && !(current !== current && previous !== previous);

const plain = (maker: WindowFunctionMaker) => (): WindowFunctionMaker => maker;

/** Every function over a range. A new one is a line here, its signature and its own file's lines. */
export const WINDOW_FUNCTIONS: Readonly<
  Record<string, (edges: Edges | undefined) => WindowFunctionMaker>
> = {
  rate: (edges) => rateMaker({ isCounter: true, perSecond: true }, edges),
  increase: (edges) => rateMaker({ isCounter: true, perSecond: false }, edges),
  delta: (edges) => rateMaker({ isCounter: false, perSecond: false }, edges),
  irate: plain(instantRateMaker({ isCounter: true, perSecond: true })),
  idelta: plain(instantRateMaker({ isCounter: false, perSecond: false })),
  changes: (edges) => countingMaker(differs, edges),
  resets: (edges) => countingMaker(fell, edges),
  deriv: plain(derivative),
  predict_linear: plain(predictLinear),
  double_exponential_smoothing: plain(doubleExponentialSmoothing),
  sum_over_time: plain(sumOverTime),
  avg_over_time: plain(averageOverTime),
  min_over_time: plain(minimumOverTime),
  max_over_time: plain(maximumOverTime),
  count_over_time: plain(countOverTime),
  present_over_time: plain(presentOverTime),
  absent_over_time: plain(presentOverTime),
  first_over_time: plain(firstOverTime),
  last_over_time: plain(lastOverTime),
  stddev_over_time: plain(deviationOverTime),
  stdvar_over_time: plain(varianceOverTime),
  quantile_over_time: plain(quantileOverTime),
  mad_over_time: plain(medianDeviationOverTime),
  ts_of_first_over_time: plain(timeOfFirst),
  ts_of_last_over_time: plain(timeOfLast),
  ts_of_max_over_time: plain(timeOfMaximum),
  ts_of_min_over_time: plain(timeOfMinimum),
};
