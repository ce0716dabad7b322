import type { MetricMetadata } from '../model/metadata.ts';
import type { NamedMetadata } from './formats.ts';

const METRICS_MAX = 20_000;

/**
 * What is known about metrics by name: told by senders, for editors and legends. In memory only, since
 * senders repeat it; when full, the name not told for longest is forgotten.
 */
export class KnownMetadata {
  readonly #byName = new Map<string, MetricMetadata>();

  learn(told: readonly NamedMetadata[]): void {
    for (const { name, metadata } of told) {
      if (name === '' || name.length > 256) continue;
      this.#byName.delete(name);
      if (this.#byName.size >= METRICS_MAX) {
        const [oldest] = this.#byName.keys();
        this.#byName.delete(oldest!);
      }
      this.#byName.set(name, metadata);
    }
  }

  get(name: string): MetricMetadata | undefined {
    return this.#byName.get(name);
  }

  all(): ReadonlyMap<string, MetricMetadata> {
    return this.#byName;
  }
}
