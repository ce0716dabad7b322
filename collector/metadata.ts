import type { MetricMetadata } from '../model/metadata.ts';
import { hostFamily } from './sources/host/families.ts';

/** Type and help of a metric that the collector gives; undefined for the name of any other. */
export function collectedMetric(name: string): MetricMetadata | undefined {
  return hostFamily(name) ?? libvirtFamily(name);
}

/** libvirt's metrics follow the rule of names throughout: what counts ends in `_total`. */
function libvirtFamily(name: string): MetricMetadata | undefined {
  if (!name.startsWith('libvirt_')) return undefined;
  return { type: name.endsWith('_total') ? 'counter' : 'gauge', help: '', unit: '' };
}
