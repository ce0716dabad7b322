import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { DomainTable } from '../../../collector/sources/libvirt/domain-table.ts';
import { describeDomain } from '../../../collector/sources/libvirt/domain-xml.ts';
import { FrameSplitter, STATUS_OK } from '../../../collector/sources/libvirt/frames.ts';
import type { Frame } from '../../../collector/sources/libvirt/frames.ts';
import {
  PROCEDURE,
  readDomain,
  readDomains,
  readDomainStats,
  readRemoteError,
  versionText,
} from '../../../collector/sources/libvirt/protocol.ts';
import { Readings } from '../../../collector/sources/libvirt/readings.ts';
import { XdrReader } from '../../../collector/sources/libvirt/xdr.ts';
import { labelsToText } from '../../../model/labels.ts';

/**
 * What libvirtd 9.0 sent in a session with three guests: a spinning one with two vCPUs and Nova metadata,
 * an idle one that is suspended and destroyed, and one that is off. Recorded by `test/real/record-libvirt.ts`;
 * the expected lines are written anew by `npm run golden`.
 */
const FOLDER = new URL('../../golden/libvirt/', import.meta.url);

function recordedFrames(): readonly Frame[] {
  const frames: Frame[] = [];
  const splitter = new FrameSplitter();
  for (const line of readFileSync(new URL('session.hex', FOLDER), 'utf8').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    splitter.push(Buffer.from(line, 'hex'), (frame) =>
      frames.push({ ...frame, payload: frame.payload.slice() }),
    );
  }
  return frames;
}

const frames = recordedFrames();
const readers = (procedure: number): readonly XdrReader[] =>
  frames
    .filter((frame) => frame.procedure === procedure && frame.status === STATUS_OK)
    .map(({ payload }) => new XdrReader(payload));

/** The text of a golden file; written anew first when that is asked for. */
function golden(name: string, text: string): string {
  const url = new URL(name, FOLDER);
  if (process.env['GOLDEN'] === 'write') writeFileSync(url, text);
  return readFileSync(url, 'utf8');
}

describe('what a real libvirtd sent', () => {
  test('each message is read to its last byte', () => {
    const read = (procedure: number, decode: (reader: XdrReader) => unknown): void => {
      const all = readers(procedure);
      expect(all.length).toBeGreaterThan(0);
      for (const reader of all) {
        decode(reader);
        expect(reader.remaining, `procedure ${procedure}`).toBe(0);
      }
    };
    read(PROCEDURE.libraryVersion, (reader) => expect(versionText(reader.uint64())).toBe('9.0.0'));
    read(PROCEDURE.hypervisorVersion, (reader) =>
      expect(versionText(reader.uint64())).toMatch(/^7\.2\.\d+$/),
    );
    read(PROCEDURE.listAllDomains, (reader) => {
      const domains = readDomains(reader);
      expect(reader.uint32()).toBe(domains.length);
    });
    read(PROCEDURE.bulkStats, readDomainStats);
    read(PROCEDURE.domainXml, (reader) => describeDomain(reader.string()));
    read(PROCEDURE.eventLifecycle, (reader) => {
      reader.int32();
      expect(readDomain(reader).name).toMatch(/^(instance-0000000[12]|kept)$/);
      reader.int32();
      reader.int32();
    });
  });

  test('the XML of a domain that is gone is a refusal with a number', () => {
    const refusals = frames.filter(({ status }) => status !== STATUS_OK);
    expect(refusals.length).toBeGreaterThan(0);
    for (const { payload } of refusals) {
      expect(readRemoteError(new XdrReader(payload))).toMatchObject({
        errorNumber: 42,
        message: /Domain not found/,
      });
    }
  });

  test('becomes these series', () => {
    const readings = new Readings();
    const table = new DomainTable(readings);
    const shown = new Map<string, string>();
    table.reconcile(readDomains(readers(PROCEDURE.listAllDomains)[0]!), 0);
    for (const reader of readers(PROCEDURE.domainXml)) {
      const xml = reader.string();
      table.describe(/<uuid>(.*)<\/uuid>/.exec(xml)?.[1] ?? '', describeDomain(xml), 0);
    }
    for (const reader of readers(PROCEDURE.bulkStats)) table.read(readDomainStats(reader), 0);
    readings.flush({
      push: (labels, value) => shown.set(labelsToText(labels), String(value)),
      end: (labels) => shown.set(labelsToText(labels), 'ended'),
    });
    const lines = [...shown].map(([series, value]) => `${series} ${value}\n`).sort();
    expect(lines.join('')).toBe(golden('series.txt', lines.join('')));
  });

  test('is refused whole or read whole when it is cut off anywhere', () => {
    const answer = frames.find(({ procedure }) => procedure === PROCEDURE.bulkStats)!.payload;
    for (let end = 0; end < answer.length; end += 7) {
      expect(() => readDomainStats(new XdrReader(answer.subarray(0, end)))).toThrow(
        expect.objectContaining({ code: 'protocol' }) as Error,
      );
    }
  });
});
