import { defineConfig } from 'vitest/config';
import { ClosingLine } from './test/closing-line.ts';

// Real processes take turns: they share this machine's libvirtd, ports and browser.
const oneFileAtATime = {
  fileParallelism: false,
  maxWorkers: 1,
  testTimeout: 120_000,
  hookTimeout: 180_000,
};

const typescriptHook = new URL('./tools/typescript-register.mjs', import.meta.url).href;

export default defineConfig({
  test: {
    reporters: ['default', new ClosingLine()],
    execArgv: ['--import', typescriptHook],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/simulation/**', 'test/end-to-end/**', 'test/browser/**'],
          maxWorkers: 2,
          // Generous for a machine that is busy with other things: no test waits for its limit.
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'simulation',
          include: ['test/simulation/**/*.test.ts'],
          maxWorkers: 2,
          testTimeout: 120_000,
        },
      },
      // In groups of their own: measured times and rates must not share the machine with other tests.
      {
        extends: true,
        test: {
          name: 'end-to-end',
          include: ['test/end-to-end/**/*.test.ts'],
          sequence: { groupOrder: 1 },
          ...oneFileAtATime,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          sequence: { groupOrder: 2 },
          ...oneFileAtATime,
        },
      },
    ],
  },
});
