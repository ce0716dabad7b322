/** Values that may stand in a log line. Never a secret: there is no redaction to rely on. */
export type LogFields = Readonly<
  Record<string, string | number | boolean | undefined | readonly string[]>
>;

/**
 * One JSON line for each event. The message is a fixed sentence that one can search for; what varies goes
 * into the fields.
 */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with a `component` in every line: the name of the folder that speaks. */
  component(name: string): Log;
}

export const SILENT: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  component: () => SILENT,
};
