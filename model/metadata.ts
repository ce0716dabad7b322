/** What a metric is, apart from its samples. */
export interface MetricMetadata {
  readonly type:
    | 'counter'
    | 'gauge'
    | 'histogram'
    | 'gaugehistogram'
    | 'summary'
    | 'info'
    | 'stateset'
    | 'unknown';
  readonly help: string;
  /** Base unit as in OpenMetrics (`seconds`, `bytes`), or empty. */
  readonly unit: string;
}
