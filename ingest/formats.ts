import type { DecodedBody } from './formats/decoded-body.ts';
import { RemoteWriteDecoder } from './formats/remote-write.ts';
import { decodeSnappy } from './formats/snappy.ts';
import { IngestFailure } from './ingest.ts';
import type { IngestLimits } from './ingest.ts';

export type { DecodedBody, NamedMetadata } from './formats/decoded-body.ts';

/** How a sender described its body; header names are those of HTTP. */
export interface BodyDescription {
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
}

/** Turns pushed bodies into batches. Keeps the senders' label sets from one body to the next. */
export interface BodyDecoder {
  /** Fails with an `IngestFailure`; `unsupported-format` comes before the body is looked at. */
  decode(body: Uint8Array, description: BodyDescription): DecodedBody;
  /**
   * Checks all but the content of a body, and gives what reads a part of it that was decompressed already: one
   * field of the message, which is such a message itself. Fails as `decode` does.
   */
  partReader(body: Uint8Array, description: BodyDescription): (part: Uint8Array) => DecodedBody;
}

interface Format {
  /** Media type, and the value of its `proto` parameter (undefined: it has none). */
  readonly mediaType: string;
  readonly proto: string | undefined;
  readonly decode: (bytes: Uint8Array) => DecodedBody;
}

export function createBodyDecoder(
  limits: Pick<IngestLimits, 'bodyBytesMax' | 'decodedBytesMax'>,
): BodyDecoder {
  const remoteWrite = new RemoteWriteDecoder();
  const formats: readonly Format[] = [
    {
      mediaType: 'application/x-protobuf',
      proto: undefined,
      decode: (bytes) => remoteWrite.decode(bytes),
    },
    {
      mediaType: 'application/x-protobuf',
      proto: 'prometheus.WriteRequest',
      decode: (bytes) => remoteWrite.decode(bytes),
    },
  ];
  const partReader: BodyDecoder['partReader'] = (body, description) => {
    const format = formatOf(formats, description.contentType);
    checkEncoding(description.contentEncoding);
    if (body.length > limits.bodyBytesMax) {
      throw new IngestFailure(
        'too-large',
        `the body has ${body.length} bytes (limit ${limits.bodyBytesMax}): send smaller batches`,
      );
    }
    return format.decode;
  };
  return {
    partReader,
    decode: (body, description) =>
      partReader(body, description)(decodeSnappy(body, limits.decodedBytesMax)),
  };
}

function formatOf(formats: readonly Format[], contentType: string | undefined): Format {
  // Senders of before the header was specified leave it out.
  const [mediaType = '', ...parameters] = (contentType ?? 'application/x-protobuf')
    .split(';')
    .map((part) => part.trim());
  const proto = parameters.find((part) => part.toLowerCase().startsWith('proto='))?.slice(6);
  const format = formats.find(
    (candidate) => candidate.mediaType === mediaType.toLowerCase() && candidate.proto === proto,
  );
  if (format) return format;
  throw new IngestFailure(
    'unsupported-format',
    `the content type ${JSON.stringify(contentType)} is not taken here: send remote write 1.0 ` +
      '(application/x-protobuf, message prometheus.WriteRequest)',
  );
}

function checkEncoding(contentEncoding: string | undefined): void {
  if (contentEncoding === undefined || contentEncoding.toLowerCase() === 'snappy') return;
  throw new IngestFailure(
    'unsupported-format',
    `the content encoding ${JSON.stringify(contentEncoding)} is not taken here: compress with snappy`,
  );
}
