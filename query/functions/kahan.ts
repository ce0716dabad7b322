/** A sum that keeps what rounding would lose (Neumaier's form of Kahan's): 1e100 + 1 - 1e100 is 1. */
export class KahanSum {
  sum = 0;
  compensation = 0;

  clear(): void {
    this.sum = 0;
    this.compensation = 0;
  }

  add(value: number): void {
    const { sum } = this;
    const total = sum + value;
    if (total === Infinity || total === -Infinity) this.compensation = 0;
    else if (Math.abs(sum) >= Math.abs(value)) this.compensation += sum - total + value;
    else this.compensation += value - total + sum;
    this.sum = total;
  }

  get total(): number {
    return this.sum === Infinity || this.sum === -Infinity
      ? this.sum
      : this.sum + this.compensation;
  }
}

/**
 * A mean that divides a compensated sum once, and falls back to a running mean when the sum would leave
 * the range of numbers.
 */
export class KahanMean {
  readonly #running = new KahanSum();
  #count = 0;
  #mean = 0;
  #incremental = false;

  clear(): void {
    this.#running.clear();
    this.#count = 0;
    this.#mean = 0;
    this.#incremental = false;
  }

  add(value: number): void {
    const running = this.#running;
    this.#count++;
    const count = this.#count;
    if (!this.#incremental) {
      const { sum, compensation } = running;
      // A first value that is infinite is no overflow.
      running.add(value);
      if (count === 1 || (running.sum !== Infinity && running.sum !== -Infinity)) return;
      this.#incremental = true;
      this.#mean = sum / (count - 1);
      running.compensation = compensation / (count - 1);
    }
    const keep = (count - 1) / count;
    const compensation = running.compensation * keep;
    running.sum = keep * this.#mean;
    running.compensation = compensation;
    running.add(value / count);
    this.#mean = running.sum;
  }

  get value(): number {
    if (this.#incremental) return this.#mean + this.#running.compensation;
    return this.#running.sum / this.#count + this.#running.compensation / this.#count;
  }
}
