import { assert } from '../../model/assert.ts';
import type { Clock } from '../../platform/clock.ts';

interface Wake {
  readonly dueMs: number;
  readonly order: number;
  readonly wake: () => void;
  state: 'waiting' | 'over';
}

/** Wakes at one instant above which a loop without a delay is the likelier explanation. */
const WAKES_AT_ONE_INSTANT_MAX = 100_000;

/** Noon, 2026-01-01 UTC: far from any boundary that a test would meet by accident. */
export const SIMULATION_START_MS = 1_767_268_800_000;

/**
 * Time that stands still until a test turns it. Between two wakes every promise that can settle does, so
 * that a run depends on nothing but the code and its seed. It needs code that waits on this clock and on
 * simulated parts only: a real timer or a real disk would be overtaken.
 */
export class SimulatedClock implements Clock {
  #wallMs: number;
  #monotonicMs = 0;
  #order = 0;
  /** A binary heap by due time, then by the order of asking. */
  #heap: Wake[] = [];
  #waiting = 0;

  constructor(startMs: number = SIMULATION_START_MS) {
    this.#wallMs = startMs;
  }

  now(): number {
    return this.#wallMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, wake: () => void): () => void {
    assert(!Number.isNaN(delayMs), 'a delay is a number');
    const dueMs = this.#monotonicMs + Math.max(0, delayMs);
    const entry: Wake = { dueMs, order: this.#order++, wake, state: 'waiting' };
    this.#push(entry);
    this.#waiting++;
    return () => this.#retire(entry);
  }

  /** Wakes that were asked for and have neither happened nor been cancelled. */
  get pendingWakes(): number {
    return this.#waiting;
  }

  /** Turns the clock forward; whatever falls due on the way happens at its own time, in order. */
  async advance(ms: number): Promise<void> {
    await this.#turn(this.#monotonicMs + ms, () => false);
  }

  /** Turns the clock until the predicate holds; resolves with false when it does not within the limit. */
  async advanceUntil(predicate: () => boolean, limitMs: number): Promise<boolean> {
    return this.#turn(this.#monotonicMs + limitMs, predicate);
  }

  /** Turns the clock until the work has settled and hands its outcome on; fails when the limit passes first. */
  async complete<T>(work: Promise<T>, limitMs = 60_000): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    work.then(mark, mark);
    if (!(await this.advanceUntil(() => settled, limitMs))) {
      throw new Error(`the work did not settle within ${limitMs} simulated milliseconds`);
    }
    return work;
  }

  /** Sets the wall clock, as an operator or NTP would; wakes are not affected. */
  jumpWallClock(byMs: number): void {
    this.#wallMs += byMs;
  }

  /** Forgets every wake: the process that asked for them is dead. */
  dropAllWakes(): void {
    for (const entry of this.#heap) this.#retire(entry);
    this.#heap = [];
  }

  #retire(entry: Wake): void {
    if (entry.state === 'waiting') this.#waiting--;
    entry.state = 'over';
  }

  async #turn(targetMs: number, predicate: () => boolean): Promise<boolean> {
    let atThisInstant = 0;
    await settle();
    while (!predicate()) {
      const entry = this.#next(targetMs);
      if (!entry) {
        this.#moveTo(targetMs);
        await settle();
        return predicate();
      }
      atThisInstant = entry.dueMs > this.#monotonicMs ? 0 : atThisInstant + 1;
      assert(atThisInstant < WAKES_AT_ONE_INSTANT_MAX, 'time passes between wakes');
      this.#moveTo(entry.dueMs);
      entry.wake();
      await settle();
    }
    return true;
  }

  #moveTo(monotonicMs: number): void {
    const stepMs = Math.max(0, monotonicMs - this.#monotonicMs);
    this.#monotonicMs += stepMs;
    this.#wallMs += stepMs;
  }

  #next(untilMs: number): Wake | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (!first) return undefined;
      if (first.state === 'waiting' && first.dueMs > untilMs) return undefined;
      this.#pop();
      if (first.state === 'over') continue;
      this.#retire(first);
      return first;
    }
  }

  #push(entry: Wake): void {
    const heap = this.#heap;
    let place = heap.length;
    heap.push(entry);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = last;
  }
}

function isBefore(a: Wake, b: Wake): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

/** Lets every promise that can settle do so: an immediate runs only once the microtasks are exhausted. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
