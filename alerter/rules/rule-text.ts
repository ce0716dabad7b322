import { messageOf } from '../../model/failure.ts';
import type { Labels } from '../../model/labels.ts';
import type { Vector } from '../../query/query.ts';
import { executionFailure, TemplateFailure } from '../templates/failure.ts';
import { ruleFunctions, sampleList, sampleValue } from '../templates/prometheus.ts';
import type { RuleTemplateWorld } from '../templates/prometheus.ts';
import { executeTemplate, parseTemplate } from '../templates/template.ts';
import type { Template } from '../templates/template.ts';
import type { GoList, Value } from '../templates/values.ts';
import { GoStruct, labelsMap } from '../templates/values.ts';

/** Expands the label and annotation texts of alert rules. */

const PREFIX =
  '{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}';

/** Different queries in one text. Each costs a query at every slot for every alert. */
const QUERIES_MAX = 20;

export function parseRuleText(text: string): Template | undefined {
  return parseWith(text, { externalUrl: '', timeMs: 0, query: () => sampleList([]) });
}

function parseWith(text: string, world: RuleTemplateWorld): Template | undefined {
  // Most label texts are literal.
  return text.includes('{{') ? parseTemplate(PREFIX + text, ruleFunctions(world)) : undefined;
}

/** What all texts of one evaluation share. */
export interface RuleTextWorld {
  readonly externalUrl: string;
  readonly externalLabels: Labels;
  readonly timeMs: number;
  /** Rejects when the query cannot be answered. */
  readonly query: (text: string) => Promise<Vector['elements']>;
}

/** Thrown by `query` in a template to have its answer fetched; the text is then expanded anew. */
class AnswerNeeded extends Error {
  readonly query: string;

  constructor(query: string) {
    super(query);
    this.query = query;
  }
}

/**
 * Expands texts for one alert after another; answers of `query` are kept for all of them. Templates run
 * without waiting: one that needs an answer stops, and starts again when the answer is there.
 */
export class TextExpander {
  readonly #world: RuleTextWorld;
  readonly #answers = new Map<string, GoList | Error>();
  readonly #templates = new Map<string, Template | undefined>();

  constructor(world: RuleTextWorld) {
    this.#world = world;
  }

  /** Never rejects: a failing template becomes its error's text, so that the alert is still raised. */
  async expand(text: string, labels: Labels, value: number): Promise<string> {
    try {
      const template = this.#template(text);
      return template ? await this.#run(template, labels, value) : text;
    } catch (thrown) {
      return `<error expanding template: ${messageOf(thrown)}>`;
    }
  }

  #template(text: string): Template | undefined {
    if (!this.#templates.has(text)) {
      const { externalUrl, timeMs } = this.#world;
      this.#templates.set(
        text,
        parseWith(text, { externalUrl, timeMs, query: (query) => this.#answer(query) }),
      );
    }
    return this.#templates.get(text);
  }

  #answer(query: string): GoList {
    const answer = this.#answers.get(query);
    if (answer === undefined) throw new AnswerNeeded(query);
    if (answer instanceof Error) throw executionFailure(answer.message);
    return answer;
  }

  async #run(template: Template, labels: Labels, value: number): Promise<string> {
    const data = new GoStruct(
      new Map<string, Value>([
        ['Labels', labelsMap(labels)],
        ['ExternalLabels', labelsMap(this.#world.externalLabels)],
        ['ExternalURL', this.#world.externalUrl],
        ['Value', value],
      ]),
      'struct',
    );
    for (let queries = 0; queries <= QUERIES_MAX; queries++) {
      try {
        return executeTemplate(template, data);
      } catch (thrown) {
        if (!(thrown instanceof AnswerNeeded)) throw thrown;
        await this.#fetch(thrown.query);
      }
    }
    throw new TemplateFailure('limit', `more than ${QUERIES_MAX} queries in one text`);
  }

  async #fetch(query: string): Promise<void> {
    try {
      const elements = await this.#world.query(query);
      const samples = elements.map(({ labels, value }) => sampleValue(labelsMap(labels), value));
      this.#answers.set(query, sampleList(samples));
    } catch (thrown) {
      this.#answers.set(query, thrown instanceof Error ? thrown : new Error(messageOf(thrown)));
    }
  }
}
