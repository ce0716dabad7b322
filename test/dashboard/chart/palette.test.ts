import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { COLOURS, lineStyle, translucent } from '../../../dashboard/chart/palette.ts';

const TOKENS = readFileSync(new URL('../../../dashboard/tokens.css', import.meta.url), 'utf8');

/** The colours of a theme; the light one is laid over the dark one, as in the browser. */
function colours(theme: 'dark' | 'light'): Map<string, string> {
  const [dark = '', light = ''] = TOKENS.split(":root[data-theme='light']");
  const found = new Map<string, string>();
  for (const block of theme === 'dark' ? [dark] : [dark, light.split('}')[0]!]) {
    for (const [, name, hex] of block.matchAll(/(--[\w-]+): (#[0-9a-f]{6});/g)) {
      found.set(name!, hex!);
    }
  }
  return found;
}

function luminance(hex: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

/** The ratio of WCAG 2: 1 to 21. */
function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
}

describe.each(['dark', 'light'] as const)('the %s theme', (theme) => {
  const tokens = colours(theme);
  const of = (name: string): string => tokens.get(name)!;

  test.each(Array.from({ length: COLOURS }, (_, i) => `--series-${i + 1}`))(
    'draws %s at 3:1 on its card',
    (name) => {
      expect(contrast(of(name), of('--surface'))).toBeGreaterThanOrEqual(3);
    },
  );

  test.each([
    ['--text', '--page'],
    ['--text', '--surface'],
    ['--text', '--raised'],
    ['--text', '--hover'],
    ['--text', '--accent-soft'],
    ['--text-muted', '--page'],
    ['--text-muted', '--surface'],
    ['--text-muted', '--raised'],
    ['--text-muted', '--hover'],
    ['--accent', '--page'],
    ['--accent', '--surface'],
    ['--warning', '--surface'],
    ['--warning', '--page'],
    ['--bad', '--surface'],
    ['--good', '--surface'],
    ['--on-accent', '--accent'],
  ])('writes %s on %s at 4.5:1', (text, ground) => {
    expect(contrast(of(text), of(ground))).toBeGreaterThanOrEqual(4.5);
  });

  test.each(['--bar', '--bar-warm', '--bar-hot', '--border-strong'])(
    'draws %s at 3:1 on the card',
    (name) => {
      expect(contrast(of(name), of('--surface'))).toBeGreaterThanOrEqual(3);
    },
  );
});

test('after eight series the colours come again with dashes', () => {
  expect(lineStyle(0)).toEqual({ token: '--series-1', dash: [] });
  expect(lineStyle(7)).toEqual({ token: '--series-8', dash: [] });
  expect(lineStyle(8).token).toBe('--series-1');
  const styles = Array.from({ length: 32 }, (_, i) => JSON.stringify(lineStyle(i)));
  expect(new Set(styles).size).toBe(32);
});

test('a token becomes translucent, anything else stays', () => {
  expect(translucent(' #0072b2', 0.5)).toBe('rgb(0 114 178 / 0.5)');
  expect(translucent('rebeccapurple', 0.5)).toBe('rebeccapurple');
});
