import pino from 'pino';
import type { Logger } from 'pino';
import type { Log } from '../log.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/**
 * Lines wait in memory while whoever reads stderr is slow. A stuck reader must not stop the process, so
 * beyond this many bytes lines are dropped.
 */
const BYTES_WAITING_MAX = 4 * 1024 * 1024;

/** JSON lines on stderr; what waits is written out when the process exits. */
export function nodeLog(level: LogLevel): Log {
  const destination = pino.destination({
    dest: 2,
    sync: false,
    minLength: 0,
    maxLength: BYTES_WAITING_MAX,
  });
  // A closed stderr (EPIPE) is no reason to end: there is nobody left to tell.
  destination.on('error', () => {});
  return wrap(
    pino(
      {
        level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      destination,
    ),
  );
}

function wrap(logger: Logger): Log {
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
    component: (name) => wrap(logger.child({ component: name })),
  };
}
