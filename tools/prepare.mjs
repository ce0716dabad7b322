// Makes a clone ready: installs packages and builds, each only when something has changed.
//   node tools/prepare.mjs           before npm start, npm run dev, …
//   node tools/prepare.mjs --tests   before npm test: also the Debian packages that tests drive
// Plain JavaScript on Node alone: this runs when nothing is installed yet.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { installDebianPackages } from './debian-packages.mjs';
import { ROOT, hashOf, readStamp, sourcesHash, writeStamp } from './sources.mjs';
import { fail, progress, say, step } from './steps.mjs';

const NODE_MINIMUM = [20, 19];
/** An install on a slow machine takes minutes; longer than this and whoever holds the lock is stuck. */
const LOCK_WAIT_MS = 15 * 60_000;
const LOCK_RETRY_MS = 200;

async function prepare() {
  checkNodeVersion();
  const forTests = process.argv.includes('--tests');
  const release = await takeLock();
  try {
    await installPackages();
    // The compiler itself is a package: only now can this be loaded usefully.
    const { build } = await import('./build.mjs');
    if (forTests) await installDebianPackages();
    if (forTests || readStamp('dist/.built') !== sourcesHash()) {
      await build({ everything: forTests });
    }
  } finally {
    release();
  }
}

function checkNodeVersion() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [wantedMajor, wantedMinor] = NODE_MINIMUM;
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  say(
    `Nephoscope needs Node.js ${NODE_MINIMUM.join('.')} or newer; this is ${process.version} ` +
      `(${process.execPath}). Install a newer one from https://nodejs.org or your distribution.`,
  );
  process.exit(1);
}

/**
 * Two `npm start` at once in a fresh clone take turns. The lock is a name in the kernel (an abstract
 * socket), so it ends with its holder, however that ends. Where there are no such names there is no lock.
 */
async function takeLock() {
  const name = createHash('sha256').update(ROOT).digest('hex').slice(0, 32);
  const deadline = performance.now() + LOCK_WAIT_MS;
  const stop = progress('waiting for another preparation of this clone');
  try {
    while (performance.now() < deadline) {
      const server = createServer();
      const outcome = await new Promise((resolve) => {
        server.once('error', (error) => resolve(error.code));
        server.listen(`\0nephoscope-prepare-${name}`, () => resolve('taken'));
      });
      if (outcome === 'taken') {
        server.unref();
        return () => server.close();
      }
      if (outcome !== 'EADDRINUSE') return () => {};
      await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
    }
  } finally {
    stop();
  }
  say('Another preparation of this clone has not ended in 15 minutes. End it, then try again.');
  process.exit(1);
}

async function installPackages() {
  const wanted = hashOf(['package-lock.json']);
  if (readStamp('node_modules/.installed') === wanted) return;
  const npm = process.env['npm_execpath'];
  const isNpm = npm !== undefined && npm.endsWith('npm-cli.js') && existsSync(npm);
  await step(
    'installing packages',
    isNpm ? process.execPath : 'npm',
    [
      ...(isNpm ? [npm] : []),
      'ci',
      // Also under NODE_ENV=production: the compiler and the bundler are development packages.
      '--include=dev',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
    ],
    { cwd: ROOT },
  );
  writeStamp('node_modules/.installed', wanted);
}

await prepare().catch(fail);
