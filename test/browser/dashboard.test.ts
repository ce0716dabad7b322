import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { TestContext } from 'vitest';
import { startNephoscope, temporaryDirectory } from '../end-to-end/process.ts';
import type { RunningNephoscope } from '../end-to-end/process.ts';
import { query } from '../end-to-end/prometheus-api.ts';
import { startLibvirt } from '../real/libvirt.ts';
import type { Guest, NovaMetadata, RealLibvirt } from '../real/libvirt.ts';
import { until } from '../real/until.ts';
import { VIEWPORT, axeViolations, browserPath, startBrowser } from './browser.ts';
import type { RealBrowser } from './browser.ts';

// What a person sees, in a real browser on the real process with two real guests.

/** `SCREENSHOTS=write` renews the pictures of the documentation, which want some minutes of data. */
const forDocs = process.env['SCREENSHOTS'] === 'write';
const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url));
const OUTPUT = fileURLToPath(new URL('../.output/', import.meta.url));
const SECONDS_BEFORE_PICTURES = forDocs ? 150 : 5;

const directory = temporaryDirectory();
let nephoscope: RunningNephoscope;
let libvirt: RealLibvirt | undefined;
let browser: RealBrowser | undefined;
let busy: Guest;
let idle: Guest;
let whyNoGuests = '';

const nova = (instanceName: string, flavor: string): NovaMetadata => ({
  instanceName,
  flavor,
  userName: 'erika',
  userUuid: '6f2c4a1e-1111-4c3e-9d8e-000000000001',
  projectName: 'shop',
  projectUuid: '6f2c4a1e-2222-4c3e-9d8e-000000000002',
  imageUuid: '6f2c4a1e-3333-4c3e-9d8e-000000000003',
});

beforeAll(async () => {
  const started = await startLibvirt();
  if (started.kind === 'unavailable') whyNoGuests = started.reason;
  else {
    libvirt = started.libvirt;
    busy = await libvirt.startGuest({
      name: 'instance-0000002a',
      work: 'spin',
      nova: nova('checkout-1', 'm1.tiny'),
    });
    idle = await libvirt.startGuest({
      name: 'instance-0000002b',
      work: 'idle',
      nova: nova('reports-1', 'm1.tiny'),
    });
  }
  nephoscope = await startNephoscope({
    data: directory.path,
    args: [
      '--set',
      'collector.instance=kvm-01',
      ...(libvirt ? ['--set', `collector.libvirt.sockets=${libvirt.socket}`] : []),
    ],
  });
  const executable = browserPath();
  if (executable) browser = await startBrowser(executable);
  mkdirSync(OUTPUT, { recursive: true });
  await until('some seconds of samples', (SECONDS_BEFORE_PICTURES + 30) * 1000, async () => {
    const [series] = await query(nephoscope.url, 'node_load1[10m]');
    return (series?.values?.length ?? 0) >= SECONDS_BEFORE_PICTURES;
  });
}, 400_000);

afterAll(async () => {
  await browser?.close();
  await nephoscope?.stop();
  await libvirt?.close();
  directory.remove();
});

beforeEach((context: TestContext) => {
  if (!browser) context.skip('needs Chromium');
  if (context.task.name.includes('instance') && !libvirt) context.skip(whyNoGuests);
});

const open = async (path: string): Promise<void> => {
  await browser!.page.goto(nephoscope.url + path, { waitUntil: 'load' });
};
/** For whoever wants to see what a test saw; two of them are the documentation's. */
const picture = (name: string, height = VIEWPORT.height): Promise<unknown> => {
  const folder = forDocs && name.startsWith('screenshot-') ? DOCS : OUTPUT;
  const clip = { x: 0, y: 0, width: VIEWPORT.width, height };
  return browser!.page.screenshot({ path: `${folder}${name}.png`, clip });
};
const row = (name: string) =>
  browser!.page.getByRole('row').filter({ has: browser!.page.getByRole('link', { name }) });
const panel = (id: string) => browser!.page.locator(`[data-panel="${id}"]`);

/** The drawn pixels of a panel's chart, as text. */
const pixels = (id: string): Promise<string> =>
  panel(id)
    .locator('canvas')
    .first()
    .evaluate((canvas: unknown) => (canvas as { toDataURL(): string }).toDataURL());

test('the fleet shows this host and each instance with its load, live', async () => {
  await open('/');
  const { page } = browser!;
  await page.getByRole('status').filter({ hasText: 'Live' }).first().waitFor();
  await row('kvm-01').and(page.locator('[data-state="live"]')).waitFor();
  await row('checkout-1').and(page.locator('[data-state="running"]')).waitFor();
  await row('reports-1').and(page.locator('[data-state="running"]')).waitFor();
  const share = async (name: string): Promise<number> =>
    Number.parseFloat(await row(name).getByRole('cell').nth(2).innerText());
  await until('the spinning instance to show its load', 20_000, async () => {
    const [high, low] = [await share('checkout-1'), await share('reports-1')];
    return high > 15 && low < 10;
  });
  await picture('screenshot-fleet', 430);
});

test('the charts of an instance move with each second', async () => {
  await open('/');
  const { page } = browser!;
  await row('checkout-1').getByRole('link').click();
  await page.waitForURL(`**/instances/${busy.uuid}**`);
  await panel('cpu').and(page.locator('[data-state="ready"]')).waitFor();
  const before = { pixels: await pixels('cpu'), words: await words() };
  await until('the line to move', 10_000, async () => (await pixels('cpu')) !== before.pixels);
  await until('the newest value to change', 30_000, async () => (await words()) !== before.words);
  await open(`/instances/${busy.uuid}?from=now-3m`);
  await panel('cpu').and(page.locator('[data-state="ready"]')).waitFor();
  await page.getByRole('status').filter({ hasText: 'Live' }).first().waitFor();
  await picture('screenshot-instance');

  /** The chart in words, which name the newest value. */
  async function words(): Promise<string | null> {
    return panel('cpu').getByRole('img').getAttribute('aria-label');
  }
});

test('a host has its own page, and the crosshair of one chart is that of all', async () => {
  await open('/hosts/kvm-01');
  const { page } = browser!;
  const ready = page.locator('[data-panel][data-state="ready"]');
  await ready.first().waitFor();
  await until('several panels', 20_000, async () => (await ready.count()) >= 3);
  await picture('host');
  await page
    .getByRole('img')
    .first()
    .hover({ position: { x: 300, y: 60 } });
  const lines = page.locator('.u-cursor-x');
  const places = await until('the crosshair in every chart', 5_000, async () => {
    const all = await lines.evaluateAll((elements: readonly unknown[]) =>
      (elements as { style: { transform: string } }[])
        .slice(0, 3)
        .map((element) => element.style.transform),
    );
    return all.length >= 2 && all.every((place) => place !== '' && !place.includes('-10px'))
      ? all
      : undefined;
  });
  expect(new Set(places.map((place) => /translate\(([-\d.]+)px/.exec(place)?.[1])).size).toBe(1);
});

for (const colorScheme of ['dark', 'light'] as const) {
  test(`axe finds nothing wrong with any page, ${colorScheme}`, async () => {
    const { page } = browser!;
    await page.emulateMedia({ colorScheme });
    const routes = ['/', '/hosts/kvm-01', '/alerts', '/no-such-page'];
    if (libvirt) routes.push(`/instances/${busy.uuid}`);
    for (const route of routes) {
      await open(route);
      await page.getByRole('heading', { level: 1 }).waitFor();
      if (/hosts|instances/.test(route)) {
        await page.locator('[data-panel][data-state="ready"]').first().waitFor();
      }
      if (route === '/')
        await page.getByRole('status').filter({ hasText: 'Live' }).first().waitFor();
      await picture(`axe-${colorScheme}${route.replaceAll('/', '-').slice(0, 16)}`);
      expect(await axeViolations(page), `${route} in ${colorScheme}`).toEqual([]);
    }
    await page.emulateMedia({ colorScheme: 'dark' });
  });
}

test('a destroyed instance is marked ended within 5 s, on both pages, and not drawn as zero', async () => {
  await open('/');
  const { page } = browser!;
  await row('reports-1').and(page.locator('[data-state="running"]')).waitFor();
  await libvirt!.destroyGuest(idle);
  await row('reports-1').and(page.locator('[data-state="ended"]')).waitFor({ timeout: 6_000 });
  const cells = await row('reports-1').getByRole('cell').allInnerTexts();
  expect(cells.slice(2).join(' ')).not.toMatch(/\d/);
  await picture('ended-fleet');
  await open(`/instances/${idle.uuid}`);
  await page
    .getByText(/\bended\b/i)
    .first()
    .waitFor();
  await picture('ended-instance');
});

test('no page asked another host for anything, and none complained', () => {
  const hosts = browser!.requests
    .filter((url) => !/^(data|blob|about|chrome):/.test(url))
    .map((url) => new URL(url).origin);
  expect(new Set(hosts)).toEqual(new Set([nephoscope.url]));
  // The page that is not there is answered with 404, which the browser notes.
  expect(browser!.complaints.filter((complaint) => !complaint.includes('no-such-page'))).toEqual(
    [],
  );
});

test('when the server stops, the page says within 5 s that its values are old', async () => {
  await open('/hosts/kvm-01');
  const { page } = browser!;
  await page.locator('[data-panel][data-state="ready"]').first().waitFor();
  await page.getByRole('status').filter({ hasText: 'Live' }).first().waitFor();
  await nephoscope.kill();
  await page.locator('[data-panel][data-state="stale"]').first().waitFor({ timeout: 6_000 });
  const mark = page.getByRole('status').filter({ hasText: /Reconnecting|Stale/ });
  await mark.first().waitFor();
  expect(await page.locator('[data-panel][data-state="ready"]').count()).toBe(0);
  await picture('stale-host');
});
