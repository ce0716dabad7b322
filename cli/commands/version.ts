import { VERSION } from '../../server/version.ts';

export function version(): number {
  process.stdout.write(`nephoscope ${VERSION} (Node.js ${process.version})\n`);
  return 0;
}
