import { metric } from '../../../model/labels.ts';
import type { Source } from '../../source.ts';
import type { Host } from './host.ts';

export function createEntropySource(host: Host): Source {
  const available = host.reader.file('/proc/sys/kernel/random/entropy_avail');
  const poolSize = host.reader.file('/proc/sys/kernel/random/poolsize');
  const availableSeries = metric('node_entropy_available_bits');
  const poolSizeSeries = metric('node_entropy_pool_size_bits');
  return {
    name: 'entropy',
    intervalMs: host.slowMs,
    sample(sink) {
      const bits = available.readNumber();
      if (bits === bits) sink.push(availableSeries, bits);
      const poolBits = poolSize.readNumber();
      if (poolBits === poolBits) sink.push(poolSizeSeries, poolBits);
    },
    close() {
      available.close();
      poolSize.close();
    },
  };
}
