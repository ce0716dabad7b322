import { compileMatcher } from '../../model/matcher.ts';
import type { CompiledMatcher, Matcher } from '../../model/matcher.ts';
import { labelValue, labelsKey } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { Series } from './series.ts';

/** Lists are rebuilt once this many of their series are gone; until then readers step over them. */
const REMOVED_MAX = 1024;

/**
 * Every series that has a sample anywhere in the store, found by the identity of its label object, by its
 * labels, or by matchers. One catalogue serves head and blocks alike, so that a series that lives in both
 * is one.
 *
 *   name → value → series that carry it, in order of creation
 */
export class Catalogue {
  readonly #byIdentity = new WeakMap<Labels, Series>();
  readonly #byKey = new Map<string, Series>();
  #postings = new Map<string, Map<string, Series[]>>();
  #all: Series[] = [];
  #removed = 0;
  #nextId = 1;

  get size(): number {
    return this.#byKey.size;
  }

  /** By object identity alone: costs no string work. Undefined does not mean that there is none. */
  recall(labels: Labels): Series | undefined {
    const series = this.#byIdentity.get(labels);
    return series?.removed ? undefined : series;
  }

  /** By labels. A series found is remembered under this label object. */
  find(labels: Labels): Series | undefined {
    const series = this.#byKey.get(labelsKey(labels));
    if (series) this.#byIdentity.set(labels, series);
    return series;
  }

  /** The series with these labels, made when there is none. */
  obtain(labels: Labels): Series {
    const key = labelsKey(labels);
    let series = this.#byKey.get(key);
    if (!series) {
      series = new Series(this.#nextId++, labels);
      this.#byKey.set(key, series);
      this.#all.push(series);
      this.#post(series);
    }
    this.#byIdentity.set(labels, series);
    return series;
  }

  /** Forgets a series of which no sample is left. */
  remove(series: Series): void {
    if (series.removed || !this.#byKey.delete(labelsKey(series.labels))) return;
    series.removed = true;
    series.follower = undefined;
    this.#removed++;
    if (this.#removed >= REMOVED_MAX || this.#removed * 8 > this.#all.length) this.#rebuild();
  }

  /** Calls `visit` for each series that satisfies all matchers, in no particular order. */
  match(matchers: readonly CompiledMatcher[], visit: (series: Series) => void): void {
    const { candidates, rest } = this.#narrow(matchers);
    for (const list of candidates) {
      for (const series of list) {
        if (!series.removed && satisfies(series.labels, rest)) visit(series);
      }
    }
  }

  /**
   * The shortest lists that together hold every match. A matcher that accepts the empty string also wants
   * series without the label, which are in none of its lists: it can only filter.
   */
  #narrow(matchers: readonly CompiledMatcher[]): {
    candidates: Iterable<readonly Series[]>;
    rest: readonly CompiledMatcher[];
  } {
    const positive = matchers.filter((matcher) => !matcher.accepts(''));
    let best: CompiledMatcher | undefined;
    let list: readonly Series[] | undefined;
    for (const matcher of positive) {
      if (matcher.operator !== '=') continue;
      const found = this.#postings.get(matcher.name)?.get(matcher.value) ?? [];
      if (list === undefined || found.length < list.length) [best, list] = [matcher, found];
    }
    if (list) return { candidates: [list], rest: matchers.filter((matcher) => matcher !== best) };
    best = positive.find((matcher) => matcher.operator === '=~') ?? positive[0];
    if (!best) return { candidates: [this.#all], rest: matchers };
    const lists: Series[][] = [];
    for (const [value, series] of this.#postings.get(best.name) ?? []) {
      if (best.accepts(value)) lists.push(series);
    }
    return { candidates: lists, rest: matchers.filter((matcher) => matcher !== best) };
  }

  #post(series: Series): void {
    const { labels } = series;
    for (let i = 0; i < labels.length; i += 2) {
      let byValue = this.#postings.get(labels[i]!);
      if (!byValue) this.#postings.set(labels[i]!, (byValue = new Map<string, Series[]>()));
      const list = byValue.get(labels[i + 1]!);
      if (list) list.push(series);
      else byValue.set(labels[i + 1]!, [series]);
    }
  }

  #rebuild(): void {
    this.#all = this.#all.filter((series) => !series.removed);
    this.#postings = new Map();
    this.#removed = 0;
    for (const series of this.#all) this.#post(series);
  }
}

/** Makes matchers ready; fails with code `bad-pattern`. */
export function compileAll(matchers: readonly Matcher[]): readonly CompiledMatcher[] {
  return matchers.map((matcher) => compileMatcher(matcher));
}

function satisfies(labels: Labels, matchers: readonly CompiledMatcher[]): boolean {
  for (const matcher of matchers) {
    if (!matcher.accepts(labelValue(labels, matcher.name))) return false;
  }
  return true;
}
