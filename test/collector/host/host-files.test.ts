import { expect, test } from 'vitest';
import { createHost } from '../../../collector/sources/host/host.ts';
import { SimulatedClock } from '../../simulation/simulated-clock.ts';
import { SimulatedKernel } from '../../simulation/simulated-kernel.ts';

function machine() {
  const kernel = new SimulatedKernel();
  const host = createHost(kernel, new SimulatedClock(), 1000);
  return { kernel, host, file: host.reader.file('/proc/value') };
}

test('a file stays open from one reading to the next', () => {
  const { kernel, file } = machine();
  let reading = 0;
  kernel.set('/proc/value', () => `${++reading}\n`);
  expect([file.readNumber(), file.readNumber(), file.readNumber()]).toEqual([1, 2, 3]);
  expect(kernel.openFiles).toBe(1);
  file.close();
  expect(kernel.openFiles).toBe(0);
});

test('a file that is gone is closed, and found again when it is back', () => {
  const { kernel, file } = machine();
  kernel.set('/proc/value', '1');
  expect(file.readNumber()).toBe(1);
  kernel.remove('/proc/value');
  expect(file.readNumber()).toBeNaN();
  expect(kernel.openFiles).toBe(0);
  kernel.set('/proc/value', '2');
  const readings = Array.from({ length: 40 }, () => file.readNumber());
  expect(readings.at(-1)).toBe(2);
});

test('a file larger than the buffer is read whole', () => {
  const { kernel, host, file } = machine();
  const lines = Array.from({ length: 50_000 }, (_, i) => `row${i} ${i}`);
  kernel.set('/proc/value', lines.join('\n'));
  expect(file.read()).toBe(true);
  const { scan } = host.reader;
  expect(scan.text(scan.end - 11, scan.end)).toBe('49999 49999');
});

test('a file without end is read up to the limit', () => {
  const { kernel, host, file } = machine();
  kernel.set('/proc/value', '0'.repeat(20 * 1024 * 1024));
  expect(file.read()).toBe(true);
  expect(host.reader.scan.end).toBe(16 * 1024 * 1024);
});
