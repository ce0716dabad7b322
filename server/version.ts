/** Kept equal to package.json by a test. */
export const VERSION = '0.1.0';

/**
 * The version of Prometheus whose query API we speak: data sources choose their requests by it. Ours
 * stands beside it in the same answer.
 */
export const PROMETHEUS_VERSION = '3.5.0';
