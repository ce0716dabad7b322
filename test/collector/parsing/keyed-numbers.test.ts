import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteScan, bytesOf } from '../../../collector/parsing/byte-scan.ts';
import { KeyedNumbers } from '../../../collector/parsing/keyed-numbers.ts';
import { metric } from '../../../model/labels.ts';
import { ReadingSink } from '../exposition.ts';

const shown = (key: string): boolean => key.startsWith('s');

function reading(numbers: KeyedNumbers, text: string): readonly string[] {
  const scan = new ByteScan();
  const bytes = bytesOf(text);
  scan.load(bytes, bytes.length);
  const sink = new ReadingSink();
  numbers.push(scan, sink);
  return sink.lines;
}

const keyed = (): KeyedNumbers => new KeyedNumbers((key) => (shown(key) ? metric(key) : undefined));

test('each reading gives what the text says, whatever the one before said', () => {
  const key = fc.constantFrom('s1', 's2', 's3', 'x1', 'x2', 'sss', '');
  const line = fc.tuple(key, fc.option(fc.nat(1000)));
  const text = fc.uniqueArray(line, { selector: ([name]) => name });
  fc.assert(
    fc.property(fc.array(text, { minLength: 1 }), (texts) => {
      const numbers = keyed();
      let before: string | undefined;
      for (const lines of texts) {
        const file = lines.map(([name, value]) => `${name} ${value ?? 'none'}\n`).join('');
        const wanted = lines
          .filter(([name, value]) => shown(name) && value !== null)
          .map(([name, value]) => `${name} ${value}`)
          .sort();
        const order = lines.map(([name]) => name).join(' ');
        const read = reading(numbers, file);
        // Keys that come behind the last known one are found by the next look at the whole.
        if (before === undefined || before === order) expect(read).toEqual(wanted);
        else expect(wanted).toEqual(expect.arrayContaining([...read]));
        before = order;
      }
    }),
  );
});

test('a key that moves is found at once, and one that comes last within sixty readings', () => {
  const numbers = keyed();
  expect(reading(numbers, 'x 1\ns1 2\n')).toEqual(['s1 2']);
  expect(reading(numbers, 'x 1\ny 1\ns1 3\ns2 4\n')).toEqual(['s1 3', 's2 4']);
  const more = 'x 1\ny 1\ns1 3\ns2 4\ns3 5\n';
  let readings = 1;
  while (!reading(numbers, more).includes('s3 5')) readings++;
  expect(readings).toBeLessThanOrEqual(60);
});

test('a file that has become shorter or empty gives what is left of it', () => {
  const numbers = keyed();
  reading(numbers, 's1 1\nx 2\ns2 3\n');
  expect(reading(numbers, 's1 7\n')).toEqual(['s1 7']);
  expect(reading(numbers, '')).toEqual([]);
  expect(reading(numbers, 's1 8')).toEqual(['s1 8']);
});
