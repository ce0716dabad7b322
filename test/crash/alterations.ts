import { fileURLToPath } from 'node:url';
import type { Surroundings } from '../end-to-end/process.ts';

/**
 * Changes to the built program that a test makes while it is loaded: lines appended to a module, where they
 * can reassign what the module declares. The product has no switches for tests.
 */
export interface Alteration {
  /** Below dist/. */
  readonly file: string;
  readonly append: string;
}

/** Sizes turned down, so that flushes, merges and new segments come many times a second. */
export const SMALL_STORE: Alteration = {
  file: 'store/embedded/tuning.js',
  append: `Object.assign(TUNING, ${JSON.stringify({
    headSamplesMax: 2500,
    headAgeMaxMs: 1000,
    segmentBytesMax: 8192,
    mergeFactor: 3,
    maintenanceIntervalMs: 50,
  })});`,
};

/**
 * Faults that the harness must catch; each says by which fault of the world. `npm run soak -- --planted`
 * runs them all and fails when one goes unnoticed. A directory that is never synced is not among them: ext4 and
 * XFS write names before the data synced after them, so that only the simulated disk can lose one.
 */
export const PLANTED: Readonly<
  Record<
    string,
    { readonly by: 'kill' | 'power-cut' | 'disk-full'; readonly alteration: Alteration }
  >
> = {
  'no-data-sync': {
    by: 'power-cut',
    alteration: {
      file: 'platform/node/files.js',
      append: 'NodeFile.prototype.dataSync = async () => {};',
    },
  },
  'acknowledged-before-sync': {
    by: 'power-cut',
    alteration: {
      file: 'platform/node/files.js',
      append: `const dataSync = NodeFile.prototype.dataSync;
        NodeFile.prototype.dataSync = async function () {
          setTimeout(() => dataSync.call(this).catch(() => {}), 100);
        };`,
    },
  },
  'one-segment-too-many-removed': {
    by: 'kill',
    alteration: {
      file: 'store/embedded/journal.js',
      append: `const removeBelow = Journal.prototype.removeBelow;
        Journal.prototype.removeBelow = function (segment) {
          return removeBelow.call(this, segment + 1);
        };`,
    },
  },
  'last-segment-not-replayed': {
    by: 'kill',
    alteration: {
      file: 'store/embedded/replay.js',
      append: `const replay = replayJournal;
        replayJournal = (options) =>
          replay({ ...options, segments: new Map([...options.segments].slice(0, -1)) });`,
    },
  },
  'a-part-written-is-taken-for-all': {
    by: 'disk-full',
    alteration: {
      file: 'platform/node/files.js',
      append: `NodeFile.prototype.append = function (bytes) {
          return told('write', this.path, async () => {
            const descriptor = await fs.open(this.path, 'a');
            try {
              await descriptor.write(bytes);
            } finally {
              await descriptor.close();
            }
          });
        };`,
    },
  },
};

/** How an altered program is run; through the usual loader when nothing is altered. */
export function altered(alterations: readonly Alteration[]): Surroundings {
  if (alterations.length === 0) return {};
  return {
    nodeArgs: ['--import', fileURLToPath(new URL('./alter.mjs', import.meta.url))],
    environment: { NEPHOSCOPE_TEST_ALTERATIONS: JSON.stringify(alterations) },
  };
}
