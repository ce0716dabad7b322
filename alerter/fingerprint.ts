import type { Labels } from '../model/labels.ts';

/** FNV-1a with 64 bits, in two halves of 32, because numbers are exact only up to 53. */
export class Fnv64 {
  #high = 0xcbf29ce4;
  #low = 0x84222325;

  add(bytes: Uint8Array): this {
    let high = this.#high;
    let low = this.#low;
    for (const byte of bytes) {
      low = (low ^ byte) >>> 0;
      // Times 2^40 + 0x1b3: the first term moves the low half, shifted by 8, into the high one.
      const product = low * 0x1b3;
      high = (Math.imul(high, 0x1b3) + Math.floor(product / 4_294_967_296) + (low << 8)) >>> 0;
      low = product >>> 0;
    }
    this.#high = high;
    this.#low = low;
    return this;
  }

  text(text: string): this {
    return this.add(new TextEncoder().encode(text));
  }

  /** 16 hexadecimal digits. */
  hex(): string {
    return half(this.#high) + half(this.#low);
  }

  /** A number below the divisor, which is at most 2^48. */
  modulo(divisor: number): number {
    return Number((BigInt(this.#high) * 4_294_967_296n + BigInt(this.#low)) % BigInt(divisor));
  }
}

function half(word: number): string {
  return word.toString(16).padStart(8, '0');
}

const SEPARATOR = Uint8Array.of(255);

/** The identity of an alert, as Alertmanager computes it: names and values in order, each followed by 255. */
export function fingerprint(labels: Labels): string {
  const hash = new Fnv64();
  for (const text of labels) hash.text(text).add(SEPARATOR);
  return hash.hex();
}
