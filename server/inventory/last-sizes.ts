import { metricName } from '../../model/labels.ts';
import type { Querier } from '../../query/query.ts';

/** What an instance had when it was heard of last; null where it never told. */
export interface InstanceSize {
  readonly vcpus: number | null;
  readonly memoryBytes: number | null;
}

interface Gone {
  readonly host: string;
  readonly uuid: string;
  readonly lastSeenMs: number;
}

const VCPUS = 'libvirt_domain_info_virtual_cpus';
const MEMORY = 'libvirt_domain_info_maximum_memory_bytes';
/** Sizes are told with every reading of state, so the last one is not far from the end. */
const LOOKBACK_MS = 300_000;
const KEPT_MAX = 20_000;

/**
 * The sizes of instances that are gone: their series have ended, so nothing at the present tells them. They
 * do not change any more, and are asked for once.
 */
export class LastSizes {
  readonly #querier: Querier;
  readonly #known = new Map<string, InstanceSize>();

  constructor(querier: Querier) {
    this.#querier = querier;
  }

  /** The size, if it was looked up before. */
  known(gone: Gone): InstanceSize | undefined {
    return this.#known.get(keyOf(gone));
  }

  async lookUp(gone: Gone): Promise<InstanceSize> {
    const { value } = await this.#querier.instant({
      text: `{__name__=~"${VCPUS}|${MEMORY}",instance=${JSON.stringify(gone.host)},uuid=${JSON.stringify(gone.uuid)}}`,
      // At the very end stands the marker, which hides what was before it.
      timeMs: gone.lastSeenMs - 1,
      lookbackMs: LOOKBACK_MS,
    });
    const elements = value.kind === 'vector' ? value.elements : [];
    const last = (name: string): number | null =>
      elements.find(({ labels }) => metricName(labels) === name)?.value ?? null;
    const size = { vcpus: last(VCPUS), memoryBytes: last(MEMORY) };
    if (this.#known.size >= KEPT_MAX) this.#known.clear();
    this.#known.set(keyOf(gone), size);
    return size;
  }
}

function keyOf({ host, uuid }: Gone): string {
  return `${host}\ud800${uuid}`;
}
