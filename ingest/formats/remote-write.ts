import { isSortedLabels, labelsFromPairs, labelsFromSorted } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { MetricMetadata } from '../../model/metadata.ts';
import { Refusals } from '../../model/refusal.ts';
import type { RefusalReason } from '../../model/refusal.ts';
import { IngestFailure } from '../ingest.ts';
import type { DecodedBody, NamedMetadata } from './decoded-body.ts';
import { LabelCache } from './label-cache.ts';
import { BYTES, FIXED64, ProtobufReader, VARINT } from './protobuf.ts';

/**
 * Prometheus remote write 1.0: the message `WriteRequest`, decompressed. Only the fields we use are named;
 * others are skipped.
 *
 *   WriteRequest  1 TimeSeries*, 3 MetricMetadata*
 *   TimeSeries    1 Label*, 2 Sample*, 3 Exemplar*, 4 Histogram*
 *   Label         1 name, 2 value
 *   Sample        1 value (double), 2 timestamp (int64, ms)
 *   MetricMetadata 1 type, 2 metric family name, 4 help, 5 unit
 */
const REQUEST_SERIES = (1 << 3) | BYTES;
const REQUEST_METADATA = (3 << 3) | BYTES;
const SERIES_LABEL = (1 << 3) | BYTES;
const SERIES_SAMPLE = (2 << 3) | BYTES;
const SERIES_HISTOGRAM = (4 << 3) | BYTES;
const LABEL_NAME = (1 << 3) | BYTES;
const LABEL_VALUE = (2 << 3) | BYTES;
const SAMPLE_VALUE = (1 << 3) | FIXED64;
const SAMPLE_TIMESTAMP = (2 << 3) | VARINT;
const METADATA_TYPE = (1 << 3) | VARINT;
const METADATA_NAME = (2 << 3) | BYTES;
const METADATA_HELP = (4 << 3) | BYTES;
const METADATA_UNIT = (5 << 3) | BYTES;

/** An empty sample takes two bytes on the wire and 24 in memory: the rows of one body have a limit, too. */
const SAMPLES_MAX = 2_000_000;
const METADATA_MAX = 10_000;
const HELP_CHARACTERS_MAX = 1024;
/** Far above any limit of the gate; bounds what one absurd series can make us build. */
const LABELS_MAX = 1000;

export class RemoteWriteDecoder {
  readonly #cache = new LabelCache();

  /** Fails with `malformed` or `too-large`; then nothing of the body counts. */
  decode(bytes: Uint8Array): DecodedBody {
    const reader = new ProtobufReader(bytes);
    const rows = new Rows(bytes);
    const refusals = new Refusals();
    const metadata: NamedMetadata[] = [];
    const { end } = reader;
    while (reader.at < end) {
      const tag = reader.tag();
      if (tag !== REQUEST_SERIES && tag !== REQUEST_METADATA) {
        reader.skip(tag);
        continue;
      }
      const length = reader.length();
      reader.end = reader.at + length;
      if (tag === REQUEST_SERIES) this.#series(reader, rows, refusals);
      else if (metadata.length < METADATA_MAX) metadata.push(readMetadata(reader));
      reader.at = reader.end;
      reader.end = end;
    }
    return { batch: rows.take(), refused: refusals.list(), metadata };
  }

  #series(reader: ProtobufReader, rows: Rows, refusals: Refusals): void {
    const start = reader.at;
    const labels = this.#labels(reader);
    let samples = 0;
    let histograms = 0;
    reader.at = start;
    while (reader.at < reader.end) {
      const tag = reader.tag();
      if (tag === SERIES_SAMPLE) {
        samples++;
        if (labels instanceof BadLabels) reader.skip(tag);
        else rows.read(reader, labels);
      } else {
        if (tag === SERIES_HISTOGRAM) histograms++;
        reader.skip(tag);
      }
    }
    if (labels instanceof BadLabels && samples > 0) {
      refusals.add(labels.reason, () => labels.message, samples);
    }
    if (histograms > 0) {
      const why = 'native histograms are not stored yet: send classic histograms';
      refusals.add('unsupported-histogram', () => why, histograms);
    }
  }

  /**
   * The labels of the series at the cursor. Senders write them first and together, and those bytes are
   * their key in the cache; a sender that scatters them pays for decoding each time.
   */
  #labels(reader: ProtobufReader): Labels | BadLabels {
    const start = reader.at;
    let end = start;
    let scattered = false;
    while (reader.at < reader.end) {
      const fieldStart = reader.at;
      const tag = reader.tag();
      reader.skip(tag);
      if (tag !== SERIES_LABEL) continue;
      if (fieldStart === end) end = reader.at;
      else scattered = true;
    }
    const known = scattered ? undefined : this.#cache.get(reader.bytes, start, end);
    if (known) return known;
    reader.at = start;
    const labels = readLabels(reader);
    if (!scattered && !(labels instanceof BadLabels)) {
      this.#cache.put(reader.bytes, start, end, labels);
    }
    return labels;
  }
}

/** A series whose labels cannot be read as a label set; its samples are refused, the others are not. */
class BadLabels {
  readonly reason: RefusalReason;
  readonly message: string;

  constructor(reason: RefusalReason, message: string) {
    this.reason = reason;
    this.message = message;
  }
}

// A byte order mark is a character like any other here.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function readText(reader: ProtobufReader): string | undefined {
  const length = reader.length();
  const start = reader.at;
  reader.at = start + length;
  try {
    return utf8.decode(reader.bytes.subarray(start, start + length));
  } catch {
    return undefined;
  }
}

function readLabels(reader: ProtobufReader): Labels | BadLabels {
  const flat: string[] = [];
  const seriesEnd = reader.end;
  while (reader.at < seriesEnd) {
    const tag = reader.tag();
    if (tag !== SERIES_LABEL) {
      reader.skip(tag);
      continue;
    }
    const length = reader.length();
    reader.end = reader.at + length;
    let name: string | undefined = '';
    let value: string | undefined = '';
    while (reader.at < reader.end) {
      const field = reader.tag();
      if (field === LABEL_NAME) name = readText(reader);
      else if (field === LABEL_VALUE) value = readText(reader);
      else reader.skip(field);
    }
    reader.end = seriesEnd;
    if (name === undefined)
      return new BadLabels('bad-label-name', 'a label name is not valid UTF-8');
    if (value === undefined) {
      return new BadLabels(
        'bad-label-value',
        `the label ${name} has a value that is not valid UTF-8`,
      );
    }
    if (name === '') return new BadLabels('bad-label-name', 'a label has an empty name');
    // An empty value and no label are the same thing.
    if (value !== '') flat.push(name, value);
    if (flat.length > LABELS_MAX * 2) {
      return new BadLabels('too-many-labels', `a series has more than ${LABELS_MAX} labels`);
    }
  }
  return isSortedLabels(flat) ? labelsFromSorted(flat) : sorted(flat);
}

function sorted(flat: readonly string[]): Labels | BadLabels {
  const pairs: [string, string][] = [];
  const names = new Set<string>();
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    if (names.has(name)) {
      return new BadLabels('duplicate-label', `a series has the label ${name} twice`);
    }
    names.add(name);
    pairs.push([name, flat[i + 1]!]);
  }
  return labelsFromPairs(pairs);
}

const METADATA_TYPES: readonly MetricMetadata['type'][] = [
  'unknown',
  'counter',
  'gauge',
  'histogram',
  'gaugehistogram',
  'summary',
  'info',
  'stateset',
];

function readMetadata(reader: ProtobufReader): NamedMetadata {
  let type: MetricMetadata['type'] = 'unknown';
  let name = '';
  let help = '';
  let unit = '';
  while (reader.at < reader.end) {
    const tag = reader.tag();
    if (tag === METADATA_TYPE) type = METADATA_TYPES[reader.varint()] ?? 'unknown';
    else if (tag === METADATA_NAME) name = readText(reader) ?? '';
    else if (tag === METADATA_HELP) help = (readText(reader) ?? '').slice(0, HELP_CHARACTERS_MAX);
    else if (tag === METADATA_UNIT) unit = (readText(reader) ?? '').slice(0, HELP_CHARACTERS_MAX);
    else reader.skip(tag);
  }
  return { name, metadata: { type, help, unit } };
}

/** Samples as columns. Values are moved as two words each, so that the bits of a NaN stay what they were. */
class Rows {
  readonly #view: DataView;
  readonly #labels: Labels[] = [];
  #times: Float64Array<ArrayBuffer>;
  #values: Float64Array<ArrayBuffer>;
  #words: Uint32Array<ArrayBuffer>;

  constructor(bytes: Uint8Array) {
    // A part of a body with one series is read here, too.
    const rows = Math.min(1024, 2 + (bytes.length >> 6));
    this.#times = new Float64Array(rows);
    this.#values = new Float64Array(rows);
    this.#words = new Uint32Array(this.#values.buffer);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  read(reader: ProtobufReader, labels: Labels): void {
    const length = reader.length();
    const outerEnd = reader.end;
    reader.end = reader.at + length;
    let low = 0;
    let high = 0;
    let time = 0;
    while (reader.at < reader.end) {
      const tag = reader.tag();
      if (tag === SAMPLE_VALUE) {
        const at = reader.fixed64();
        low = this.#view.getUint32(at, true);
        high = this.#view.getUint32(at + 4, true);
      } else if (tag === SAMPLE_TIMESTAMP) time = reader.int64();
      else reader.skip(tag);
    }
    reader.end = outerEnd;
    const row = this.#labels.length;
    if (row === this.#times.length) this.#grow();
    this.#labels.push(labels);
    this.#times[row] = time;
    this.#words[row * 2] = low;
    this.#words[row * 2 + 1] = high;
  }

  take(): DecodedBody['batch'] {
    const rows = this.#labels.length;
    return {
      labels: this.#labels,
      times: this.#times.subarray(0, rows),
      values: this.#values.subarray(0, rows),
    };
  }

  #grow(): void {
    const rows = this.#times.length;
    if (rows >= SAMPLES_MAX) {
      throw new IngestFailure(
        'too-large',
        `the body holds more than ${SAMPLES_MAX} samples: send smaller batches`,
      );
    }
    const larger = Math.min(rows * 2, SAMPLES_MAX);
    const times = new Float64Array(larger);
    times.set(this.#times);
    const words = new Uint32Array(larger * 2);
    words.set(this.#words);
    this.#times = times;
    this.#words = words;
    this.#values = new Float64Array(words.buffer);
  }
}
