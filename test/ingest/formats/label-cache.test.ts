import { expect, test } from 'vitest';
import { LabelCache } from '../../../ingest/formats/label-cache.ts';
import { metric } from '../../../model/labels.ts';

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

test('the same bytes give the same object, wherever they lie', () => {
  const cache = new LabelCache();
  const labels = metric('up');
  cache.put(bytesOf('abc'), 0, 3, labels);
  expect(cache.get(bytesOf('xxabcxx'), 2, 5)).toBe(labels);
  expect(cache.get(bytesOf('abd'), 0, 3)).toBeUndefined();
  expect(cache.get(bytesOf('ab'), 0, 2)).toBeUndefined();
});

test('the bytes are copied: what the sender does with its buffer later does not matter', () => {
  const cache = new LabelCache();
  const bytes = bytesOf('abc');
  cache.put(bytes, 0, 3, metric('up'));
  bytes.fill(0);
  expect(cache.get(bytesOf('abc'), 0, 3)).toEqual(metric('up'));
});

test('what is used stays, what is not is forgotten', () => {
  const cache = new LabelCache();
  const kept = metric('kept');
  cache.put(bytesOf('kept'), 0, 4, kept);
  cache.put(bytesOf('left'), 0, 4, metric('left'));
  const number = new Uint8Array(4);
  const view = new DataView(number.buffer);
  for (let i = 0; i < 600_000; i++) {
    view.setUint32(0, i);
    cache.put(number, 0, 4, metric('other'));
    if (i % 50_000 === 0) expect(cache.get(bytesOf('kept'), 0, 4)).toBe(kept);
  }
  expect(cache.get(bytesOf('left'), 0, 4)).toBeUndefined();
});

test('hashes that collide on purpose are told apart, and only a few of them are kept', () => {
  const colliding = collisions(4);
  expect(colliding).toHaveLength(16);
  const cache = new LabelCache();
  colliding.forEach((bytes, i) => cache.put(bytes, 0, bytes.length, metric(`m${i}`)));
  const found = colliding.map((bytes) => cache.get(bytes, 0, bytes.length));
  expect(found.slice(0, 8)).toEqual(colliding.slice(0, 8).map((_, i) => metric(`m${i}`)));
  expect(found.slice(8).every((labels) => labels === undefined)).toBe(true);
});

/**
 * 2^stages texts of equal FNV-1a hash: in each stage two blocks that lead from one state to one other are
 * found by their birthday, and every choice of blocks gives the same end.
 */
function collisions(stages: number): Uint8Array[] {
  let state = 0x811c9dc5;
  let texts: Uint8Array[] = [new Uint8Array(0)];
  for (let stage = 0; stage < stages; stage++) {
    const [first, second, next] = collidingBlocks(state);
    texts = texts.flatMap((text) => [first, second].map((block) => Buffer.concat([text, block])));
    state = next;
  }
  return texts;
}

function collidingBlocks(state: number): [Uint8Array, Uint8Array, number] {
  const seen = new Map<number, Uint8Array>();
  for (let i = 0; ; i++) {
    const block = new Uint8Array(4);
    new DataView(block.buffer).setUint32(0, Math.imul(i, 2_654_435_761));
    let hash = state;
    for (const byte of block) hash = Math.imul(hash ^ byte, 0x01000193);
    const other = seen.get(hash);
    if (other) return [other, block, hash];
    seen.set(hash, block);
  }
}
