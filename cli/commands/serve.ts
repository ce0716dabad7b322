import { nodePlatform } from '../../platform/node.ts';
import { messageOf } from '../../server/config.ts';
import { startServer } from '../../server/server.ts';
import type { Server } from '../../server/server.ts';
import { builtDashboard } from '../built-dashboard.ts';
import { readFlags } from '../flags.ts';
import { loadFrom } from './load.ts';

const START_MS_MAX_WHEN_STOPPING = 5000;
/** The build puts the pages beside the program. */
const DASHBOARD = new URL('../../dashboard', import.meta.url);

/** Runs until it is told to stop. */
export async function serve(args: readonly string[]): Promise<number> {
  const flags = readFlags(args);
  const platform = nodePlatform({ logLevel: flags.logLevel });
  const log = platform.log.component('cli');
  const config = await loadFrom(flags, platform);

  const crash = (what: string) => (thrown: unknown) => {
    log.error(what, {
      error: messageOf(thrown),
      stack: thrown instanceof Error ? thrown.stack : undefined,
    });
    process.exit(1);
  };
  process.on('uncaughtException', crash('a bug: nobody handled an error'));
  process.on('unhandledRejection', crash('a bug: nobody handled a rejection'));

  let told = false;
  let tellStop = (): void => {};
  const stopAsked = new Promise<void>((resolve) => {
    tellStop = resolve;
  });
  const onSignal = (signal: NodeJS.Signals): void => {
    if (told) {
      log.warn('stopping at once, as asked twice', { signal });
      process.exit(1);
    }
    told = true;
    log.info('stopping', { signal });
    tellStop();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);

  let server: Server | undefined;
  process.on('SIGHUP', () => {
    log.info('reloading', { signal: 'SIGHUP' });
    // A start reads the files anyway, and that a reload failed is in the log already.
    server?.reload().catch(() => {});
  });

  const dashboardDirectory = await builtDashboard(DASHBOARD, platform.files);
  if (config.settings['server.roles'].includes('dashboard') && dashboardDirectory === undefined) {
    log.warn('the pages are not built and cannot be shown: run npm run build', {
      missing: `${decodeURIComponent(DASHBOARD.pathname)}/index.html`,
    });
  }
  const starting = startServer(config, platform, {
    ...(dashboardDirectory !== undefined && { dashboardDirectory }),
  });
  const running = await Promise.race([starting, stopAsked]);
  if (!running) {
    // Nothing was accepted yet, so a start that takes long may as well be cut off.
    const giveUp = new Promise<undefined>((resolve) => {
      platform.clock.after(START_MS_MAX_WHEN_STOPPING, () => resolve(undefined));
    });
    await (await Promise.race([starting, giveUp]))?.stop();
    return 0;
  }
  server = running;
  await stopAsked;
  await running.stop();
  log.info('stopped');
  return 0;
}
