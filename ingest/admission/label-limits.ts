import { METRIC_NAME, labelsToText, metricName } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { RefusalReason } from '../../model/refusal.ts';
import type { IngestLimits } from '../ingest.ts';

export interface LabelFault {
  readonly reason: RefusalReason;
  /** For one example only, hence made on demand. */
  readonly why: () => string;
}

type LabelLimits = Pick<IngestLimits, 'labelsMax' | 'labelNameBytesMax' | 'labelValueBytesMax'>;

/** What is wrong with a sorted label set; undefined when it may enter. */
export function checkLabels(labels: Labels, limits: LabelLimits): LabelFault | undefined {
  const { labelsMax, labelNameBytesMax, labelValueBytesMax } = limits;
  if (metricName(labels) === '') {
    return {
      reason: 'no-metric-name',
      why: () => `${shortText(labels)} has no metric name (the label ${METRIC_NAME})`,
    };
  }
  const count = labels.length / 2;
  if (count > labelsMax) {
    return {
      reason: 'too-many-labels',
      why: () => `${metricName(labels)} has ${count} labels (limit ${labelsMax})`,
    };
  }
  for (let i = 0; i < labels.length; i += 2) {
    const fault =
      checkText(labels, labels[i]!, 'name', labelNameBytesMax) ??
      checkText(labels, labels[i + 1]!, 'value', labelValueBytesMax);
    if (fault) return fault;
  }
  return undefined;
}

function checkText(
  labels: Labels,
  text: string,
  part: 'name' | 'value',
  bytesMax: number,
): LabelFault | undefined {
  if (!text.isWellFormed()) {
    return {
      reason: `bad-label-${part}`,
      why: () => `${shortText(labels)} has a label ${part} that is not valid Unicode`,
    };
  }
  // A UTF-16 unit takes three bytes of UTF-8 at most: short texts need no counting.
  if (text.length * 3 > bytesMax) {
    const bytes = utf8Length(text);
    if (bytes > bytesMax) {
      return {
        reason: `label-${part}-too-long`,
        why: () => `${shortText(labels)} has a label ${part} of ${bytes} bytes (limit ${bytesMax})`,
      };
    }
  }
  return undefined;
}

function utf8Length(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    // Each half of a surrogate pair counts two of the pair's four bytes.
    else if (unit >= 0xd800 && unit <= 0xdfff) bytes += 2;
    else bytes += 3;
  }
  return bytes;
}

/** Enough to find the series; never a megabyte of it in a log. */
function shortText(labels: Labels): string {
  const text = labelsToText(labels);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
