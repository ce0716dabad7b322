import { openEmbeddedStore } from '../../store/embedded/database.ts';
import { TUNING } from '../../store/embedded/tuning.ts';
import type { Tuning } from '../../store/embedded/tuning.ts';
import { storeContract } from '../contract/store.ts';
import type { StoreBench } from '../contract/store.ts';
import { simulatedPlatform } from '../simulation/simulated-platform.ts';
import { KERNEL } from './kernel/kernel-fixture.ts';
import { DAY_MS, DIRECTORY } from './scenario.ts';

function bench(tuning: Tuning): () => Promise<StoreBench> {
  return async () => {
    let platform = simulatedPlatform(1);
    return {
      now: () => platform.clock.now(),
      advance: (ms) => platform.clock.advance(ms),
      open: ({ retentionMs = DAY_MS, seriesMax = 1000 } = {}) =>
        openEmbeddedStore(
          { directory: DIRECTORY, kernel: KERNEL, retentionMs, seriesMax },
          platform,
          tuning,
        ),
      crash: async () => {
        platform = platform.restart('power-cut');
      },
    };
  };
}

storeContract('the embedded store', bench(TUNING));

// Every commit fills the head, so that samples are found in blocks as often as in memory.
storeContract(
  'the embedded store, living in blocks,',
  bench({
    ...TUNING,
    headSamplesMax: 1,
    segmentBytesMax: 64,
    mergeFactor: 2,
  }),
);
