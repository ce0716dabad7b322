/** The local wall clock as a `datetime-local` field writes it: `2026-11-23T14:03:10`. */
export function localText(ms: number): string {
  const date = new Date(ms);
  const two = (number: number): string => String(number).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function parseLocal(text: string): number | undefined {
  // Without a zone a date with a time is local.
  const ms = text === '' ? NaN : Date.parse(text);
  return Number.isFinite(ms) ? ms : undefined;
}
