#!/usr/bin/env node
import { Failure, messageOf, suggestion } from '../server/config.ts';
import { check } from './commands/check.ts';
import { help } from './commands/help.ts';
import { serve } from './commands/serve.ts';
import { version } from './commands/version.ts';
import { UsageFailure } from './failure.ts';

const COMMANDS: Readonly<Record<string, (args: readonly string[]) => number | Promise<number>>> = {
  serve,
  check,
  version,
  help,
  '--version': version,
  '--help': help,
  '-h': help,
};

async function run(args: readonly string[]): Promise<number> {
  const [name = 'help', ...rest] = args;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) {
    throw new UsageFailure(
      `unknown command ${JSON.stringify(name)}${suggestion(name, Object.keys(COMMANDS))}; see nephoscope help`,
    );
  }
  if (rest.includes('--help') || rest.includes('-h')) return help();
  return command(rest);
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (thrown) {
  // What was planned for says what to do; of anything else the place helps more.
  const isOurs = thrown instanceof Failure || thrown instanceof UsageFailure;
  const text = isOurs || !(thrown instanceof Error) ? messageOf(thrown) : (thrown.stack ?? '');
  process.stderr.write(`${JSON.stringify({ level: 'error', msg: text })}\n`);
  process.exit(isOurs ? 2 : 1);
}
// Everything was stopped: nothing that is left may keep the process.
process.exit();
