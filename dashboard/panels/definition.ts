import type { ChartShape } from '../chart/options.ts';
import type { FeedQuery } from '../live/feed.ts';
import type { LabelRecord } from '../live/event.ts';

export interface PanelQuery {
  readonly id: string;
  readonly query: string;
  readonly name: (labels: LabelRecord) => string;
  /** A colour of its own, for what means the same on every page. */
  readonly token?: (labels: LabelRecord) => string | undefined;
  readonly mirrored?: boolean;
}

/** One chart of a page as data: what it asks, how it is drawn, what to say when there is nothing. */
export interface PanelDefinition {
  readonly id: string;
  readonly title: string;
  readonly shape: ChartShape;
  readonly queries: readonly PanelQuery[];
  /** What may be the cause when no series match. */
  readonly hint: string;
  /** Order of series by name; those not named come after, in alphabetical order. */
  readonly order?: readonly string[];
}

export function feedQueries(panels: readonly PanelDefinition[]): readonly FeedQuery[] {
  return panels.flatMap((panel) =>
    panel.queries.map(({ id, query }) => ({ id, query, history: true })),
  );
}

/** A text as PromQL writes it between quotes. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}
