import type { Clock } from '../../platform/clock.ts';
import type { Log, LogFields } from '../../platform/log.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogLine {
  readonly atMs: number;
  readonly level: LogLevel;
  readonly component: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** A log that a test can read. */
export class RecordingLog implements Log {
  readonly lines: LogLine[];
  readonly #clock: Clock;
  readonly #component: string;

  constructor(clock: Clock, component = '', lines: LogLine[] = []) {
    this.#clock = clock;
    this.#component = component;
    this.lines = lines;
  }

  debug(message: string, fields?: LogFields): void {
    this.#record('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#record('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#record('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#record('error', message, fields);
  }

  component(name: string): Log {
    return new RecordingLog(this.#clock, name, this.lines);
  }

  /** Lines of a level, or those whose message has the given words. */
  find(levelOrWords: string): readonly LogLine[] {
    return this.lines.filter(
      (line) => line.level === levelOrWords || line.message.includes(levelOrWords),
    );
  }

  #record(level: LogLevel, message: string, fields: LogFields = {}): void {
    this.lines.push({
      atMs: this.#clock.now(),
      level,
      component: this.#component,
      message,
      fields,
    });
  }
}
