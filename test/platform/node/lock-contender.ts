// A process that tries to lock a directory when it is told to, says what came of it, and holds on until
// its input ends.
import { createInterface } from 'node:readline';
import { nodeFiles } from '../../../platform/node/files.ts';

const directory = process.argv[2]!;
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
process.stdout.write('ready\n');
await lines.next();
try {
  await nodeFiles.lock(directory);
  process.stdout.write('locked\n');
} catch (thrown) {
  process.stdout.write(`refused: ${(thrown as Error).message}\n`);
}
await lines.next();
process.exit(0);
