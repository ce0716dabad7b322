import { Failure } from '../../model/failure.ts';

/** A line holds one tick of a whole page; a page of a thousand instances stays far below. */
export const LINE_CHARACTERS_MAX = 8_000_000;

/** Cuts a stream of bytes into lines. A line longer than the limit is a failure, not a growing buffer. */
export class LineDecoder {
  readonly #decoder = new TextDecoder('utf-8');
  readonly #charactersMax: number;
  #rest = '';

  constructor(charactersMax: number = LINE_CHARACTERS_MAX) {
    this.#charactersMax = charactersMax;
  }

  /** The lines that these bytes complete, without their line ends; empty lines are left out. */
  push(bytes: Uint8Array): string[] {
    const pieces = this.#decoder.decode(bytes, { stream: true }).split('\n');
    pieces[0] = this.#rest + pieces[0]!;
    this.#rest = pieces.pop()!;
    for (const line of [this.#rest, ...pieces]) {
      if (line.length > this.#charactersMax) {
        this.#rest = '';
        throw new Failure(
          'line-too-long',
          `the live stream sent a line of more than ${this.#charactersMax} characters`,
        );
      }
    }
    return pieces.map((line) => line.trim()).filter((line) => line !== '');
  }
}
